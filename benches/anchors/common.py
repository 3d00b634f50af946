"""What the anchor scripts share: libopus by ctypes, packets and captures, loss, speech, scores, and running programs."""

import ctypes
import functools
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
BUILT = HERE.parents[1] / "target" / "anchors"
RATE = 48_000
FRAME = 960
PACKET_MS = 20

# Debian's asterisk-core-sounds-*-g722: natural speech, 16 kHz, CC-BY-SA-3.0 (ru: CC-BY-3.0).
PROMPTS = pathlib.Path("/usr/share/asterisk/sounds")
VOICES = ("en", "fr", "es", "it", "ru")


def missing(what, how):
    """Ends with 3, naming what to install."""
    print(f"missing: {what}\ninstall it with: {how}", file=sys.stderr)
    sys.exit(3)


def built(name):
    """A file that build.sh made."""
    path = BUILT / name
    if not path.exists():
        missing(str(path), str(HERE / "build.sh"))
    return path


def run(*command):
    """Standard output of a program that must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


# ---- libopus ---------------------------------------------------------------------------------------------------------

WIDEBAND = 1103
SETTINGS = {
    "bitrate": 4002,
    "bandwidth": 4008,
    "complexity": 4010,
    "fec": 4012,
    "loss": 4014,
    "dred": 4050,
}
VOIP = 2048


@functools.cache
def opus():
    """libopus as this project ships it."""
    library = ctypes.CDLL(str(built("libopus.so.0")))
    for name in ("opus_encoder_create", "opus_decoder_create", "opus_dred_decoder_create", "opus_dred_alloc"):
        getattr(library, name).restype = ctypes.c_void_p
    library.opus_get_version_string.restype = ctypes.c_char_p
    return library


def samples_of(array):
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_int16))


def created(make, *arguments):
    error = ctypes.c_int()
    pointer = make(*arguments, ctypes.byref(error))
    if error.value != 0 or not pointer:
        raise RuntimeError(f"libopus: error {error.value}")
    return ctypes.c_void_p(pointer)


def encode(pcm, frame=FRAME, **settings):
    """48 kHz mono to a list of Opus payloads."""
    library = opus()
    encoder = created(library.opus_encoder_create, RATE, 1, VOIP)
    for name, value in {"complexity": 10, **settings}.items():
        if library.opus_encoder_ctl(encoder, SETTINGS[name], ctypes.c_int(int(value))) != 0:
            raise ValueError(f"libopus refuses {name} = {value}")
    space = (ctypes.c_ubyte * 4_000)()
    payloads = []
    for start in range(0, len(pcm) - frame + 1, frame):
        block = np.ascontiguousarray(pcm[start : start + frame], np.int16)
        size = library.opus_encode(encoder, samples_of(block), frame, space, len(space))
        if size <= 0:
            raise RuntimeError(f"opus_encode: {size}")
        payloads.append(bytes(space[:size]))
    library.opus_encoder_destroy(encoder)
    return payloads


def kbps(payloads, frame=FRAME, header=0):
    """Mean rate with `header` more bytes in each packet."""
    return (sum(map(len, payloads)) / len(payloads) + header) * 8 * RATE / frame / 1_000


class Decoder:
    """One decoder with all it can do: deep PLC, in-band FEC, DRED."""

    def __init__(self, complexity=10):
        self.codec = opus()
        self.raw = created(self.codec.opus_decoder_create, RATE, 1)
        self.codec.opus_decoder_ctl(self.raw, SETTINGS["complexity"], ctypes.c_int(complexity))
        self.dred_raw = created(self.codec.opus_dred_decoder_create)
        self.dred_state = created(self.codec.opus_dred_alloc)
        self.parsed = None
        self.reach = 0

    def __del__(self):
        self.codec.opus_decoder_destroy(self.raw)
        self.codec.opus_dred_decoder_destroy(self.dred_raw)
        self.codec.opus_dred_free(self.dred_state)

    def decode(self, payload, fec=False):
        """A frame from its payload, from the next one's in-band copy, or, from `None`, concealed."""
        out = np.zeros(FRAME, np.int16)
        size = len(payload) if payload else 0
        got = self.codec.opus_decode(self.raw, payload, size, samples_of(out), FRAME, int(fec))
        if got != FRAME:
            raise RuntimeError(f"opus_decode: {got}")
        return out

    def from_dred(self, payload, frames_back):
        """The frame that lies `frames_back` before `payload`; `None` when its DRED does not reach so far."""
        if self.parsed is not payload:
            end = ctypes.c_int()
            self.parsed = payload
            self.reach = self.codec.opus_dred_parse(
                self.dred_raw, self.dred_state, payload, len(payload), RATE, RATE, ctypes.byref(end), 0
            )
        offset = frames_back * FRAME
        if self.reach < offset:
            return None
        out = np.zeros(FRAME, np.int16)
        got = self.codec.opus_decoder_dred_decode(self.raw, self.dred_state, offset, samples_of(out), FRAME)
        return out if got == FRAME else None


def has_fec(payload):
    return opus().opus_packet_has_lbrr(payload, len(payload)) == 1


# ---- packets ---------------------------------------------------------------------------------------------------------


def rtp(index, payload, payload_type=111, ssrc=0x5EED, samples=FRAME):
    return struct.pack(">BBHII", 0x80, payload_type, index & 0xFFFF, index * samples & 0xFFFFFFFF, ssrc) + payload


def write_ptrace(path, payloads, delay_ms, payload_type=111, until_us=None, samples=FRAME):
    """A capture: packet i, of so many samples of the codec's clock, leaves at (i + 1) · 20 ms and arrives after its delay,
    or never where that is nan."""
    arrivals = [
        ((i + 1) * PACKET_MS * 1_000 + round(delay * 1_000), rtp(i, payload, payload_type, samples=samples))
        for i, (delay, payload) in enumerate(zip(delay_ms, payloads))
        if not np.isnan(delay)
    ]
    arrivals.sort(key=lambda arrival: arrival[0])
    with open(path, "wb") as file:
        for at, packet in arrivals:
            if until_us is None or at <= until_us:
                file.write(struct.pack("<QH", at, len(packet)) + packet)


def losses(n, share, burst, seed):
    """Which of n packets are lost: independently, or in bursts of that mean length (Gilbert)."""
    rng = np.random.default_rng(seed)
    if burst <= 1:
        return rng.random(n) < share
    leave, enter = 1 / burst, share / burst / (1 - share)
    lost, state = np.zeros(n, bool), rng.random() < share
    for i, draw in enumerate(rng.random(n)):
        lost[i] = state
        state = draw > leave if state else draw < enter
    return lost


# ---- speech and scores -----------------------------------------------------------------------------------------------


def read_wav(path, rate):
    import soundfile

    samples, found = soundfile.read(path, dtype="int16")
    if found != rate:
        raise ValueError(f"{path}: {found} Hz, not {rate}")
    return samples


def voices(names=VOICES, seconds=20.0, folder=BUILT / "voices"):
    """Prepares speech, `NAME-16.wav` and `NAME-48.wav` in `folder`: prompts that are not silence, one after another."""
    import soundfile

    if not shutil.which("ffmpeg"):
        missing("ffmpeg", "apt-get install -y ffmpeg")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        narrow, wide = folder / f"{name}-16.wav", folder / f"{name}-48.wav"
        if wide.exists():
            continue
        prompts = sorted((PROMPTS / name).glob("*.g722"))
        if not prompts:
            missing(f"the {name} prompts", f"apt-get install -y asterisk-core-sounds-{name}-g722")
        np.random.default_rng(1).shuffle(prompts)
        parts, have, want = [], 0, int(seconds * 16_000)
        for prompt in prompts:
            if not 20_000 <= prompt.stat().st_size <= 80_000 or have >= want:
                continue
            raw = subprocess.run(
                ["ffmpeg", "-v", "error", "-f", "g722", "-i", prompt, "-f", "s16le", "-ar", "16000", "-ac", "1", "-"],
                capture_output=True, check=True,
            ).stdout
            speech = np.frombuffer(raw, np.int16)
            if len(speech) and np.sqrt(np.mean(speech.astype(float) ** 2)) > 200:
                parts += [speech, np.zeros(4_800, np.int16)]
                have += len(speech) + 4_800
        soundfile.write(narrow, np.concatenate(parts)[:want], 16_000)
        run("ffmpeg", "-v", "error", "-y", "-i", narrow, "-ar", "48000", wide)
    return {name: (folder / f"{name}-16.wav", folder / f"{name}-48.wav") for name in names}


@functools.cache
def plcmos_model():
    import onnxruntime
    from speechmos import plcmos

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = plcmos.PLCMOS()
    model.session = onnxruntime.InferenceSession(model.model_path, options)
    return model


def score(reference16, played48):
    """PESQ-WB and PLCMOS v2 of 48 kHz samples against the 16 kHz original."""
    from pesq import pesq
    from scipy.signal import resample_poly

    played = resample_poly(played48.astype(float), 1, 3)
    played = np.clip(np.round(played), -32_768, 32_767).astype(np.int16)
    np.random.seed(1)  # PLCMOS draws its raters from numpy's global generator
    return pesq(16_000, reference16, played, "wb"), plcmos_model().get_mos(played.astype(np.float32) / 32_768)


# ---- reports ---------------------------------------------------------------------------------------------------------


class Verdicts:
    """Bounds that hold or do not; the exit code follows."""

    def __init__(self):
        self.all = []

    def check(self, claim, value, bound, holds):
        # A number that could not be measured proves nothing.
        holds = bool(holds) and value is not None and not (isinstance(value, float) and np.isnan(value))
        self.all.append({"claim": claim, "value": value, "bound": bound, "holds": holds})

    def at_most(self, claim, value, bound):
        self.check(claim, value, f"<= {bound:g}", value is not None and value <= bound)

    def at_least(self, claim, value, bound):
        self.check(claim, value, f">= {bound:g}", value is not None and value >= bound)

    def finish(self, report, path):
        """Prints the bounds, writes the report, gives the exit code."""
        for verdict in self.all:
            value = verdict["value"]
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            print(f"{'ok  ' if verdict['holds'] else 'MISS'} {verdict['claim']}: {shown} ({verdict['bound']})")
        missed = sum(not verdict["holds"] for verdict in self.all)
        print(f"{len(self.all) - missed} bounds kept, {missed} missed")
        if path:
            pathlib.Path(path).write_text(json.dumps({**report, "bounds": self.all}, indent=1, default=float) + "\n")
        return 1 if missed or not self.all else 0
