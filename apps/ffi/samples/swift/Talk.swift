// A phone that CallKit drives: who calls is shown by the system, the app owns the sound session, and a push wakes it.
// Source only: it was not compiled here, since there is no Swift for iOS on Linux.

import AVFAudio
import CallKit
import PushKit

final class Talk: NSObject, CXProviderDelegate, PKPushRegistryDelegate, Listener {
    private let phone: Phone
    private let provider: CXProvider
    private let controller = CXCallController()
    private var numbers: [UUID: UInt64] = [:]
    private var account: UInt64?

    init(address: String, password: String) throws {
        let config = Config(identity: address, sound: .card(input: nil, output: nil), ownsSession: true)
        phone = try Phone(config: config)
        provider = CXProvider(configuration: CXProviderConfiguration())
        super.init()
        provider.setDelegate(self, queue: nil)
        phone.listen(listener: self)
        self.address = address
        self.password = password
    }

    private var address = ""
    private var password = ""

    // The device token goes as pn-prid into REGISTER (RFC 8599).
    func pushRegistry(_ registry: PKPushRegistry, didUpdate token: PKPushCredentials, for type: PKPushType) {
        let prid = token.token.map { String(format: "%02x", $0) }.joined()
        let push = PushService(provider: "apns", prid: prid, param: Bundle.main.bundleIdentifier)
        account = try? phone.register(account: Account(address: address, password: password, push: push))
    }

    // iOS wants a call reported before this returns; the INVITE follows when the account is registered anew.
    func pushRegistry(_ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload,
                      for type: PKPushType, completion: @escaping () -> Void) {
        let uuid = UUID()
        awaited = uuid
        provider.reportNewIncomingCall(with: uuid, update: CXCallUpdate()) { _ in completion() }
        if let account { phone.woken(account: account) }
    }

    private var awaited: UUID?

    // On the phone's own thread for events.
    func onEvent(event: Event) {
        DispatchQueue.main.async { self.told(event) }
    }

    private func told(_ event: Event) {
        switch event {
        case let .incoming(call, from):
            let update = CXCallUpdate()
            update.remoteHandle = CXHandle(type: .generic, value: from)
            if let uuid = awaited {
                awaited = nil
                numbers[uuid] = call
                provider.reportCall(with: uuid, updated: update)
            } else {
                let uuid = UUID()
                numbers[uuid] = call
                provider.reportNewIncomingCall(with: uuid, update: update) { error in
                    if error != nil { try? self.phone.decline(call: call) }
                }
            }
        case let .connecting(call):
            uuid(call).map { provider.reportOutgoingCall(with: $0, startedConnectingAt: nil) }
        case let .connected(call):
            uuid(call).map { provider.reportOutgoingCall(with: $0, connectedAt: nil) }
        case let .ended(call, reason, _):
            guard let uuid = uuid(call) else { return }
            numbers[uuid] = nil
            if let reason = systems(reason) { provider.reportCall(with: uuid, endedAt: nil, reason: reason) }
        default:
            break
        }
    }

    private func uuid(_ call: UInt64) -> UUID? {
        numbers.first { $0.value == call }?.key
    }

    // What we ended ourselves was told by our own action.
    private func systems(_ reason: EndReason) -> CXCallEndedReason? {
        switch reason {
        case .hungUp: return nil
        case .missed, .noAnswer: return .unanswered
        case .answeredElsewhere: return .answeredElsewhere
        case .failed: return .failed
        default: return .remoteEnded
        }
    }

    func provider(_ provider: CXProvider, perform action: CXStartCallAction) {
        do {
            numbers[action.callUUID] = try phone.dial(target: action.handle.value)
            action.fulfill()
        } catch { action.fail() }
    }

    func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) { perform(action) { try phone.answer(call: $0) } }
    func provider(_ provider: CXProvider, perform action: CXEndCallAction) { perform(action) { try phone.hangUp(call: $0) } }
    func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction) {
        perform(action) { try phone.mute(call: $0, muted: action.isMuted) }
    }
    func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction) {
        perform(action) { action.isOnHold ? try phone.hold(call: $0) : try phone.resume(call: $0) }
    }

    private func perform(_ action: CXCallAction, _ act: (UInt64) throws -> Void) {
        guard let call = numbers[action.callUUID], (try? act(call)) != nil else { return action.fail() }
        action.fulfill()
    }

    // The system gives the session and takes it back: never before, never by ourselves.
    func provider(_ provider: CXProvider, didActivate session: AVAudioSession) {
        phone.audioSessionActivated(active: true)
    }
    func provider(_ provider: CXProvider, didDeactivate session: AVAudioSession) {
        phone.audioSessionActivated(active: false)
    }
    func providerDidReset(_ provider: CXProvider) {
        numbers.values.forEach { try? phone.hangUp(call: $0) }
        numbers = [:]
    }
}
