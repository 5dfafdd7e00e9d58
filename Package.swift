// swift-tools-version: 6.2
// roster: Linux logins that follow the company's cloud identity.
//
// The `Embedded` trait builds what runs in other people's processes (no Swift runtime there) from
// the same sources that the plain build compiles as ordinary Swift for the unit tests:
//
//     swift build -c release --traits Embedded --disable-local-rpath \
//         --scratch-path .build-embedded --product nss_roster --product pam_roster
import PackageDescription

/// What every target is compiled with.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// What the rooms are compiled with that also run inside other people's processes.
let inHostProcesses: [SwiftSetting] =
    strict + [
        .enableExperimentalFeature("Embedded", .when(traits: ["Embedded"])),
        .unsafeFlags(["-wmo", "-Osize"], .when(traits: ["Embedded"])),
    ]

/// How a program without a runtime is linked: nothing in it that nobody calls.
let programLinking: [LinkerSetting] = [
    .unsafeFlags(
        ["-Xlinker", "-z", "-Xlinker", "now", "-Xlinker", "--gc-sections"],
        .when(traits: ["Embedded"]))
]

/// How the NSS module is linked.
///
/// The version script is part of correctness: without it an Embedded object exports some 35 weak
/// `swift_*` symbols into its host. `nodelete`: glibc never unloads a module, so neither may dlclose.
let nssLinking: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-Xlinker", "--version-script=\(Context.packageDirectory)/nss/exports.map",
            "-Xlinker", "-z", "-Xlinker", "nodelete",
            "-Xlinker", "-z", "-Xlinker", "now",
            "-Xlinker", "-soname=libnss_roster.so.2",
            "-Xlinker", "--gc-sections",
        ], .when(traits: ["Embedded"]))
]

/// How the PAM module is linked; libpam loads and unloads it, so it must be able to go.
let pamLinking: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-Xlinker", "--version-script=\(Context.packageDirectory)/pam/exports.map",
            "-Xlinker", "-z", "-Xlinker", "now",
            "-Xlinker", "-soname=pam_roster.so",
            "-Xlinker", "--gc-sections",
        ], .when(traits: ["Embedded"]))
]

let package = Package(
    name: "roster",
    products: [
        .library(name: "nss_roster", type: .dynamic, targets: ["NSSModule"]),
        .library(name: "pam_roster", type: .dynamic, targets: ["PAMModule"]),
        .executable(name: "rosterd", targets: ["rosterd"]),
        .executable(name: "authorized-keys", targets: ["AuthorizedKeys"]),
    ],
    traits: [
        .trait(name: "Embedded", description: "Build what needs libc only as Embedded Swift.")
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Rooms that also run inside other people's processes.
        .target(name: "CLibc"),
        .target(name: "Accounts", swiftSettings: inHostProcesses),
        .target(
            name: "AccountIndex", dependencies: ["Accounts", "CLibc"],
            swiftSettings: inHostProcesses),
        .target(
            name: "DaemonProtocol", dependencies: ["Accounts", "CLibc"],
            swiftSettings: inHostProcesses),
        .target(
            name: "NSSModule", dependencies: ["AccountIndex", "Accounts", "CLibc"], path: "nss",
            exclude: ["README.md", "exports.map"], swiftSettings: inHostProcesses,
            linkerSettings: nssLinking),
        .systemLibrary(name: "CPAM"),
        .target(
            name: "PAMModule",
            dependencies: ["AccountIndex", "DaemonProtocol", "Accounts", "CPAM", "CLibc"],
            path: "pam", exclude: ["README.md", "exports.map"], swiftSettings: inHostProcesses,
            linkerSettings: pamLinking + [.linkedLibrary("pam")]),

        .executableTarget(
            name: "AuthorizedKeys", dependencies: ["AccountIndex", "Accounts", "CLibc"],
            swiftSettings: inHostProcesses, linkerSettings: programLinking),

        // The daemon's rooms.
        .systemLibrary(name: "CLDAP"),
        .systemLibrary(name: "COpenSSL"),
        .target(
            name: "LDAPClient",
            dependencies: [
                "CLDAP", "COpenSSL", .product(name: "SwiftASN1", package: "swift-asn1"),
            ], swiftSettings: strict),
        .target(
            name: "DirectorySync", dependencies: ["LDAPClient", "Accounts"], swiftSettings: strict),
        .target(
            name: "AccountStore",
            dependencies: [
                "Accounts", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ], swiftSettings: strict),
        .target(name: "Credentials", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(
            name: "Settings",
            dependencies: ["Accounts", .product(name: "TOMLKit", package: "TOMLKit")],
            swiftSettings: strict, linkerSettings: [.linkedLibrary("stdc++")]),
        .target(
            name: "RosterDaemon",
            dependencies: [
                "DirectorySync", "LDAPClient", "AccountStore", "AccountIndex", "Credentials",
                "Settings", "DaemonProtocol", "Accounts", "CLibc",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        // The administrator's command; rosterd's program answers under this name too.
        .target(
            name: "roster",
            dependencies: [
                "RosterDaemon", "Settings", "LDAPClient", "DaemonProtocol", "AccountIndex",
                "Accounts", "CLibc",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "rosterd",
            dependencies: [
                "RosterDaemon", "roster", "Settings",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),

        // Writes and changes indexes of made-up accounts; for tests and benchmarks, not shipped.
        .executableTarget(
            name: "index-tool", dependencies: ["AccountIndex", "Accounts"],
            path: "Tests/IndexTool", swiftSettings: strict),
        // Many hosts in one process that follow one directory; for a benchmark, not shipped.
        .executableTarget(
            name: "fleet-tool",
            dependencies: [
                "DirectorySync", "LDAPClient", "Accounts",
                .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Tests/FleetTool", swiftSettings: strict),

        // Tests: one target per room, seconds, no root, no network.
        .testTarget(name: "AccountsTests", dependencies: ["Accounts"], swiftSettings: strict),
        .testTarget(
            name: "AccountIndexTests", dependencies: ["AccountIndex", "Accounts", "CLibc"],
            swiftSettings: strict),
        .testTarget(
            name: "NSSModuleTests",
            dependencies: ["NSSModule", "AccountIndex", "Accounts", "CLibc"],
            swiftSettings: strict),
        .testTarget(
            name: "PAMModuleTests",
            dependencies: [
                "PAMModule", "AccountIndex", "DaemonProtocol", "Accounts", "CPAM", "CLibc",
            ], swiftSettings: strict),
        .testTarget(name: "LDAPClientTests", dependencies: ["LDAPClient"], swiftSettings: strict),
        .testTarget(
            name: "DirectorySyncTests", dependencies: ["DirectorySync", "LDAPClient", "Accounts"],
            swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "LDAPIntegrationTests",
            dependencies: [
                "AccountStore", "DirectorySync", "LDAPClient", "Accounts", "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "AccountStoreTests",
            dependencies: [
                "AccountStore", "Accounts", .product(name: "GRDB", package: "GRDB.swift"),
            ], swiftSettings: strict),
        .testTarget(
            name: "CredentialsTests", dependencies: ["Credentials"], swiftSettings: strict),
        .testTarget(
            name: "LoginIntegrationTests",
            dependencies: [
                "RosterDaemon", "LDAPClient", "AccountStore", "DaemonProtocol", "Accounts",
                "TestSupport", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "LifetimeIntegrationTests",
            dependencies: [
                "RosterDaemon", "AccountStore", "AccountIndex", "DirectorySync", "LDAPClient",
                "Settings", "Accounts", "CLibc", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(
            name: "SettingsTests", dependencies: ["Settings", "Accounts"], swiftSettings: strict),
        .testTarget(
            name: "DaemonProtocolTests", dependencies: ["DaemonProtocol", "Accounts"],
            swiftSettings: strict),
        .testTarget(
            name: "RosterDaemonTests",
            dependencies: [
                "RosterDaemon", "AccountStore", "AccountIndex", "DirectorySync", "LDAPClient",
                "Credentials", "Settings", "Accounts", "DaemonProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "roster", "RosterDaemon", "AccountIndex", "Accounts", "DaemonProtocol",
                "Settings", "LDAPClient", "CPAM",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], exclude: ["Golden"], swiftSettings: strict),
    ]
)

// What the sanitizers look at: the rooms that read foreign octets and foreign memory, and their tests.
// ROSTER_SANITIZED=1 leaves out the rest.
if Context.environment["ROSTER_SANITIZED"] != nil {
    let rooms: Set = [
        "CLibc", "CPAM", "CLDAP", "COpenSSL", "Accounts", "AccountIndex", "DaemonProtocol",
        "NSSModule", "PAMModule", "LDAPClient", "DirectorySync", "AccountStore", "TestSupport",
        "AccountIndexTests", "DaemonProtocolTests", "NSSModuleTests", "PAMModuleTests",
        "DirectorySyncTests", "AccountStoreTests", "LDAPIntegrationTests",
    ]
    package.targets.removeAll { !rooms.contains($0.name) }
    package.products.removeAll { ["rosterd", "authorized-keys"].contains($0.name) }
}
