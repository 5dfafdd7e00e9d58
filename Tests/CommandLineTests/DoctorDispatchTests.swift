import CPAM
import Foundation
import Testing

@testable import roster

/// A folder of stacks, read by the real libpam and by the doctor.
private final class StackFolder {
    let path: String

    init(_ files: [String: String]) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "roster-stacks-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
        for (name, text) in files {
            // This libpam looks for what is included in /etc/pam.d only, unless the path is absolute.
            let absolute = text.replacing("@HERE@", with: path)
            try absolute.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// What libpam answers to an application.
    func libpam(_ kind: PAMKind) throws -> Int {
        var conversation = unsafe pam_conv(
            conv: { _, _, _, _ in PAM_SUCCESS }, appdata_ptr: nil)
        var handle: OpaquePointer?
        let started = unsafe pam_start_confdir("stack", "root", &conversation, path, &handle)
        // Files that cannot be included refuse everybody from the start.
        if started == PAM_ABORT { return PAMCode.mustFail.number }
        #expect(started == PAM_SUCCESS)
        guard let opened = unsafe handle else { return -1 }
        defer { unsafe pam_end(opened, PAM_SUCCESS) }
        return Int(
            kind == .auth
                ? unsafe pam_authenticate(opened, 0) : unsafe pam_acct_mgmt(opened, 0))
    }
}

/// Stacks by chance, the same for the same seed.
private struct StackMaker {
    private var state: UInt64
    /// Whether lines may be such that libpam cannot use them.
    let isSloppy: Bool

    init(seed: UInt64, isSloppy: Bool) {
        state = seed
        self.isSloppy = isSloppy
    }

    private mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }

    private mutating func one<Element>(of list: [Element]) -> Element { list[below(list.count)] }

    /// A service that may include two other files, and the stack of all others.
    mutating func files() -> [String: String] {
        var files = ["inner": lines(4, []), "middle": lines(4, ["inner"])]
        files["stack"] = lines(6, ["middle", "inner"])
        if below(4) > 0 { files["other"] = lines(2, []) }
        return files
    }

    private mutating func lines(_ most: Int, _ others: [String]) -> String {
        (0...below(most)).map { _ in line(others) }.joined(separator: "\n") + "\n"
    }

    private mutating func line(_ others: [String]) -> String {
        let kind = one(of: ["auth", "account"])
        if !others.isEmpty, below(4) == 0 {
            let other = isSloppy && below(8) == 0 ? "@HERE@/nowhere" : "@HERE@/" + one(of: others)
            return one(of: [
                "@include \(other)", "\(kind) include \(other)",
                "\(kind)\tsubstack  \(other) # more", "\(kind) \\\n substack \(other)",
            ])
        }
        if isSloppy, below(10) == 0 {
            return one(of: [
                "\(kind) required", "\(kind)", "\(kind) [success=nothing] pam_permit.so",
                "nonsense sufficient pam_permit.so", "\(kind) [default=0] pam_permit.so",
                "\(kind) optional pam_is_not_there.so", "-\(kind) required pam_is_not_there.so",
            ])
        }
        return "\(kind) \(control()) \(module())"
    }

    private mutating func control() -> String {
        if below(2) == 0 { return one(of: ["required", "requisite", "sufficient", "Optional"]) }
        let actions = ["ignore", "ok", "done", "bad", "die", "reset", "1", "2", "3"]
        let pairs = (0...below(3)).map { _ in
            "\(one(of: Self.codes + ["success", "default"]))=\(one(of: actions))"
        }
        return "[\(pairs.joined(separator: " ")) default=\(one(of: actions))]"
    }

    private mutating func module() -> String {
        switch below(5) {
        case 0: "pam_permit.so"
        case 1: "pam_deny.so"
        default: "pam_debug.so auth=\(one(of: Self.codes)) acct=\(one(of: Self.codes))"
        }
    }

    private static let codes = [
        "success", "success", "success", "auth_err", "perm_denied", "user_unknown", "ignore",
        "new_authtok_reqd", "acct_expired", "authinfo_unavail", "module_unknown", "cred_err",
    ]
}

@Suite struct DoctorDispatchTests {
    /// What the doctor makes of the stack.
    private func verdict(_ folder: StackFolder, _ kind: PAMKind) -> Int {
        let path = folder.path
        let reader = PAMReader { name in
            try? String(
                contentsOfFile: name.hasPrefix("/") ? name : "\(path)/\(name)", encoding: .utf8)
        }
        let modules = PAMModules(
            service: "stack", kind: kind, person: .root, uids: 0...0,
            isInstalled: { !$0.contains("is_not_there") }, saysNothing: { _ in true })
        let stack = reader.stack("stack", kind)
        return walk(stack) { modules.answers(stack[$0])[0] }.verdict.number
    }

    private func compare(_ files: [String: String]) throws {
        let folder = try StackFolder(files)
        for kind in [PAMKind.auth, .account] {
            let real = try folder.libpam(kind)
            let ours = verdict(folder, kind)
            #expect(ours == real, "\(kind), libpam says \(real), for\n\(files)")
        }
    }

    @Test("2,000 random stacks come to the same code as in the real libpam", arguments: 0..<20)
    func random(block: UInt64) throws {
        for seed in block * 100..<(block + 1) * 100 {
            var maker = StackMaker(seed: seed, isSloppy: false)
            try compare(maker.files())
        }
    }

    @Test("so do 1,000 in which some lines are mistakes", arguments: 0..<10)
    func sloppy(block: UInt64) throws {
        for seed in block * 100..<(block + 1) * 100 {
            var maker = StackMaker(seed: seed &+ 1 << 32, isSloppy: true)
            try compare(maker.files())
        }
    }

    @Test(
        "and some that were written by hand",
        arguments: [
            "auth [success=1 default=ignore] pam_debug.so auth=success\nauth requisite pam_deny.so\n",
            "auth [success=9] pam_permit.so\nauth required pam_permit.so\n",
            "auth substack @HERE@/inner\nauth required pam_permit.so\n",
            "auth [default=1] pam_permit.so\nauth substack @HERE@/inner\nauth required pam_permit.so\n",
            "account optional pam_debug.so acct=ignore\n", "account sufficient pam_deny.so\n", "\n",
            "auth [success=ok \\]default=bad] pam_permit.so\n",
            "auth required pam_debug.so auth=new_authtok_reqd\nauth required pam_permit.so\n",
        ])
    func written(stack: String) throws {
        try compare(["stack": stack, "inner": "auth sufficient pam_permit.so\nauth die x\n"])
        try compare(["stack": stack, "inner": "auth [default=reset] pam_deny.so\n", "other": stack])
    }
}
