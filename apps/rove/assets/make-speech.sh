#!/bin/sh
# Makes the demo's two speech files again: synthetic voices, sentences of our own, 16 kHz mono 16-bit, about 8 s each.
# Needs espeak-ng and sox (Debian: apt-get install espeak-ng sox). Usage: make-speech.sh [FOLDER], default: beside this script.
set -eu

folder=${1:-$(dirname "$0")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say NAME VOICE WORDS-PER-MINUTE PITCH TEXT
say() {
    espeak-ng -v "$2" -s "$3" -p "$4" -w "$work/$1.wav" "$5"
    # No dither, so that the same synthesiser gives the same file. Peak at -4 dB, a little silence at both ends.
    sox -D "$work/$1.wav" -r 16000 -c 1 -b 16 "$folder/speech-$1.wav" gain -n -4 rate -v 16000 pad 0.2 0.3
}

say alice en-us+f3 165 55 "Hello Bob, this is Alice. The harbour lights came on early tonight, \
and I counted eleven ships. Can you hear every word?"
say bob en-gb-x-rp+m3 160 40 "Good evening, Alice. Your voice is clear, and the line is quiet. \
Tell me when the ferry leaves, and I will bring two umbrellas."
