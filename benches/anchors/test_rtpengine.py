"""The own tests of the client of rtpengine: what it says, what it takes for an answer, what it refuses. Run: python3 -m unittest"""

import socket
import threading
import unittest

import rtpengine


class Engine:
    """Answers each datagram with what `answers` makes of it; a list of datagrams."""

    def __init__(self, answers):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.port = self.socket.getsockname()[1]
        self.answers, self.heard = answers, []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while True:
            datagram, who = self.socket.recvfrom(65_535)
            if not datagram:
                return
            self.heard.append(datagram)
            for answer in self.answers(datagram):
                self.socket.sendto(answer, who)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


def taken(datagram):
    word, _, question = datagram.partition(b" ")
    return word, rtpengine.bdecode(question)


class Engines(Engine):
    """Lends the ports 30000, 30002 and so on, one a question, and says of each call that it passed on seven packets."""

    def __init__(self):
        super().__init__(self.lend)
        self.described = []

    def lend(self, datagram):
        word, question = taken(datagram)
        if question["command"] == "delete":
            return [word + b" " + rtpengine.bencode({"result": "ok", "totals": {"RTP": {"packets": 7}}})]
        self.described.append((question["command"], question["call-id"], rtpengine.place(question["sdp"])))
        sdp = rtpengine.describe(("127.0.0.1", 29_998 + 2 * len(self.described)))
        return [word + b" " + rtpengine.bencode({"result": "ok", "sdp": sdp})]


class Bencode(unittest.TestCase):
    def test_a_value_is_written_as_the_protocol_has_it_and_read_back(self):
        cases = [
            ({"command": "ping"}, b"d7:command4:pinge"),
            ({"b": ["x", ""], "a": -7}, b"d1:ai-7e1:bl1:x0:ee"),
            ("\u00e9", b"2:\xc3\xa9"),
        ]
        for value, written in cases:
            self.assertEqual(rtpengine.bencode(value), written)
            self.assertEqual(rtpengine.bdecode(written), value)

    def test_what_is_cut_short_too_long_too_deep_or_no_value_is_refused(self):
        for bad in (b"", b"d", b"4:pin", b"-1:x", b"i7", b"ixe", b"l1:a", b"d1:ae", b"ddei1ee", b"1:ab", b"q", b"l" * 100_000):
            with self.assertRaises(ValueError, msg=bad[:8]):
                rtpengine.bdecode(bad)


class Asking(unittest.TestCase):
    def test_a_question_that_is_lost_is_asked_again_in_the_same_words_and_another_questions_answer_is_passed_over(self):
        fine = rtpengine.bencode({"result": "ok", "n": 5})

        def answers(datagram):
            # The first one is lost, and what comes before the second one's answer is for another question.
            return [b"0 d6:result2:no1:ni1ee", taken(datagram)[0] + b" " + fine] if len(engine.heard) > 1 else []

        with Engine(answers) as engine, rtpengine.Ng(engine.port, wait=0.05) as ng:
            self.assertEqual(ng.ask("query", call_id="c")["n"], 5)
        self.assertGreaterEqual(len(engine.heard), 2)
        self.assertEqual(set(engine.heard), {b"1 d7:call-id1:c7:command5:querye"})

    def test_a_refusal_and_silence_end_the_run_and_say_why(self):
        refusal = rtpengine.bencode({"result": "error", "error-reason": "Ran out of ports"})
        with Engine(lambda datagram: [taken(datagram)[0] + b" " + refusal]) as engine, rtpengine.Ng(engine.port) as ng:
            with self.assertRaisesRegex(SystemExit, "Ran out of ports"):
                ng.ask("offer")
        with Engine(lambda _: []) as engine, rtpengine.Ng(engine.port, wait=0.01) as ng:
            with self.assertRaisesRegex(SystemExit, "does not answer offer"):
                ng.ask("offer")


class Calls(unittest.TestCase):
    def test_each_end_is_described_where_it_is_and_sends_to_what_it_is_shown(self):
        with Engines() as engine, rtpengine.Ng(engine.port) as ng:
            lines = rtpengine.begin(ng, 2)
            self.assertEqual(rtpengine.end(ng, 2), 14)
        self.assertEqual(
            lines,
            [
                "127.1.0.0:20000 127.0.0.1:30002 127.1.0.0:20002 127.0.0.1:30000",
                "127.1.0.1:20000 127.0.0.1:30006 127.1.0.1:20002 127.0.0.1:30004",
            ],
        )
        self.assertEqual(
            engine.described,
            [
                ("offer", "call-0", ("127.1.0.0", 20_000)),
                ("answer", "call-0", ("127.1.0.0", 20_002)),
                ("offer", "call-1", ("127.1.0.1", 20_000)),
                ("answer", "call-1", ("127.1.0.1", 20_002)),
            ],
        )

    def test_no_two_calls_have_the_same_addresses(self):
        calls = [rtpengine.own(call) for call in (0, 1, 255, 256, 65_535, 65_536, 100_000)]
        self.assertEqual(len({host for ends in calls for host, _ in ends}), len(calls))

    def test_a_stream_that_is_refused_or_one_too_many_is_no_place(self):
        fine = rtpengine.describe(("127.0.0.1", 30_000))
        self.assertEqual(rtpengine.place(fine), ("127.0.0.1", 30_000))
        for bad in (fine.replace("30000", "0"), fine + "m=video 30002 RTP/AVP 96\r\n", "v=0\r\n"):
            with self.assertRaises(SystemExit):
                rtpengine.place(bad)


if __name__ == "__main__":
    unittest.main()
