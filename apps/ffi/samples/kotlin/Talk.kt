// Two phones call each other on the JVM: by events that are called back and by events that are asked for; then the garbage
// collector finds a phone that nobody closed.
//
//   java -Duniffi.component.rove.libraryOverride=<librove_ffi> -cp sample.jar:jna.jar TalkKt

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import uniffi.rove.Config
import uniffi.rove.EndReason
import uniffi.rove.Event
import uniffi.rove.Listener
import uniffi.rove.Phone
import uniffi.rove.RoveException

class Queue : Listener {
    val events = LinkedBlockingQueue<Event>()

    override fun onEvent(event: Event) {
        events.put(event)
    }
}

fun phone(name: String) = Phone(Config(identity = "$name@127.0.0.1", listen = listOf("127.0.0.1:0")))

inline fun <reified T : Event> await(next: () -> Event?): T {
    while (true) {
        val event = next() ?: error("no ${T::class.simpleName} came in time")
        if (event is T) return event
    }
}

fun main() {
    val callee = phone("callee")
    val queue = Queue()
    callee.listen(queue)
    val caller = phone("caller")
    val asked = { caller.nextEvent(10_000u) }
    val called = { queue.events.poll(10, TimeUnit.SECONDS) }

    val call = caller.dial("127.0.0.1:${callee.sipPort()}")
    val incoming = await<Event.Incoming>(called)
    check(incoming.from.contains("caller@127.0.0.1"))
    callee.answer(incoming.call)
    check(await<Event.Connected>(asked).call == call)
    caller.hold(call)
    await<Event.Held>(called)
    caller.resume(call)
    await<Event.Resumed>(called)
    caller.sendText(call, "good day")
    check(await<Event.Text>(called).text == "good day")
    check(runCatching { caller.press(call, "?", 40u) }.exceptionOrNull() is RoveException.Argument)
    check(runCatching { caller.answer(7u) }.exceptionOrNull() is RoveException.Gone)
    callee.hangUp(incoming.call)
    check(await<Event.Ended>(asked).reason == EndReason.PEER_HUNG_UP)
    check(await<Event.Ended>(called).reason == EndReason.HUNG_UP)
    println("a call with events called back and asked for")

    // Nobody closes this one.
    phone("forgotten").dial("127.0.0.1:${callee.sipPort()}")
    val forgotten = await<Event.Incoming>(called)
    var ended: Event? = null
    for (round in 1..200) {
        System.gc()
        ended = queue.events.poll(50, TimeUnit.MILLISECONDS)
        if (ended is Event.Ended) break
    }
    check(ended is Event.Ended && ended.call == forgotten.call)
    println("a finaliser's thread gave a phone up, and its call was ended")

    // Some threads do it all at once.
    val threads = (1..8).map {
        Thread {
            repeat(20) {
                val number = caller.dial("127.0.0.1:${callee.sipPort()}")
                caller.hangUp(number)
                caller.nextEvent(0u)
            }
        }
    }
    threads.forEach { it.start() }
    threads.forEach { it.join() }
    caller.close(10_000u)
    callee.close(10_000u)
    caller.destroy()
    callee.destroy()
    println("done")
}
