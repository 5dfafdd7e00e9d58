// Signs of life come while the daemon works, and end when a part of it hangs.

import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RosterDaemon

@Suite(.timeLimit(.minutes(1))) struct LifeSignTests {
    /// A daemon whose steady clock stands where the test puts it.
    private final class Scene: Sendable {
        let uptime = Mutex(Duration.seconds(1000))
        let board = StatusBoard(startedAt: 0, uptime: .seconds(1000))
        let signs = Mutex(0)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

        var count: Int { signs.withLock { $0 } }

        /// Runs the signs while `body` runs.
        func whileSigning(_ body: () async throws -> Void) async rethrows {
            var clock = DaemonClock.system
            clock.uptime = { self.uptime.withLock { $0 } }
            let sign = LifeSign(
                board: board, clock: clock, loops: Array(loops.makeIterator()),
                patience: .seconds(60), interval: .milliseconds(1),
                alive: { self.signs.withLock { $0 += 1 } })
            let running = Task { await sign.run() }
            defer { running.cancel() }
            try await body()
        }

        /// Waits until signs come.
        func nextSign() async -> Bool {
            let before = count
            return await onThread {
                for _ in 0..<20_000 {
                    if self.count > before + 1 { return true }
                    usleep(1000)
                }
                return false
            }
        }

        /// Whether signs have ended: what was under way may still come.
        func isSilent() async -> Bool {
            await onThread {
                usleep(50_000)
                let before = self.count
                usleep(50_000)
                return self.count == before
            }
        }
    }

    @Test("signs come while the sync thread shows itself, and end when it does not")
    func syncThread() async {
        let scene = Scene()
        await scene.whileSigning {
            #expect(await scene.nextSign())
            scene.uptime.withLock { $0 += .seconds(59) }
            #expect(await scene.nextSign())
            scene.uptime.withLock { $0 += .seconds(2) }
            #expect(await scene.isSilent())
            scene.board.update { $0.heartbeat = .seconds(1061) }
            #expect(await scene.nextSign())
        }
        try? await scene.loops.shutdownGracefully()
    }

    @Test("a hung event loop ends the signs")
    func eventLoop() async {
        let scene = Scene()
        let release = DispatchSemaphore(value: 0)
        await scene.whileSigning {
            #expect(await scene.nextSign())
            scene.loops.next().execute { release.wait() }
            #expect(await scene.isSilent())
            release.signal()
            #expect(await scene.nextSign())
        }
        try? await scene.loops.shutdownGracefully()
    }
}
