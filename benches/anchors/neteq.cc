// WebRTC's NetEq, driven offline in virtual time, so that its playout can be compared with ours packet for packet.
//
//   neteq IN.ptrace OUT.wav OUT.csv [--phase-us N] [--stable] [--trial STRING] [--min-delay MS]
//
// IN.ptrace holds records of u64 arrival time in microseconds, u16 length (both little-endian) and an RTP packet.
// Every 10 ms of virtual time, first at the phase, one block is pulled; a packet that arrives at or before a pull goes
// in first. The last pull is at most 400 ms after the last arrival. Each pull is one row of the CSV and 480 samples of
// the WAV (mono, 48 kHz). The JSON on standard output sums up what NetEq counted and how long its calls took.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/audio/audio_frame.h"
#include "api/audio_codecs/L16/audio_decoder_L16.h"
#include "api/audio_codecs/audio_decoder_factory_template.h"
#include "api/audio_codecs/audio_format.h"
#include "api/audio_codecs/g711/audio_decoder_g711.h"
#include "api/audio_codecs/g722/audio_decoder_g722.h"
#include "api/audio_codecs/opus/audio_decoder_opus.h"
#include "api/neteq/neteq.h"
#include "api/rtp_headers.h"
#include "modules/audio_coding/neteq/default_neteq_factory.h"
#include "rtc_base/logging.h"
#include "system_wrappers/include/clock.h"
#include "system_wrappers/include/field_trial.h"

namespace {

constexpr uint64_t kPullUs = 10'000;
constexpr uint64_t kTailUs = 400'000;
constexpr size_t kRowSamples = 480;
constexpr int kRate = 48'000;
// The trial under which WebRTC keeps its delay steadier ("stable" in the tables).
constexpr char kStable[] =
    "WebRTC-Audio-NetEqDecisionLogicConfig/enable_stable_playout_delay:true,reinit_after_expands:1000/";

struct Options {
  std::string in, wav, csv, trial;
  uint64_t phase_us = 0;
  int min_delay_ms = 0;
};

struct Arrival {
  uint64_t at_us;
  std::vector<uint8_t> bytes;
};

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> files;
  for (int i = 1; i < argc; i++) {
    const std::string word = argv[i];
    auto value = [&]() -> std::string {
      if (++i >= argc) throw std::invalid_argument(word + " wants a value");
      return argv[i];
    };
    if (word == "--phase-us") options.phase_us = std::stoull(value());
    else if (word == "--stable") options.trial = kStable;
    else if (word == "--trial") options.trial = value();
    else if (word == "--min-delay") options.min_delay_ms = std::stoi(value());
    else if (word.rfind("--", 0) == 0) throw std::invalid_argument("unknown option " + word);
    else files.push_back(word);
  }
  if (files.size() != 3) throw std::invalid_argument("usage: neteq IN.ptrace OUT.wav OUT.csv [options]");
  options.in = files[0];
  options.wav = files[1];
  options.csv = files[2];
  return options;
}

uint64_t little_endian(const uint8_t* p, int bytes) {
  uint64_t value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | p[i];
  return value;
}

uint32_t big_endian(const uint8_t* p, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | p[i];
  return value;
}

std::vector<Arrival> read_trace(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  const std::vector<uint8_t> all((std::istreambuf_iterator<char>(file)), {});
  std::vector<Arrival> arrivals;
  for (size_t at = 0; at + 10 <= all.size();) {
    const size_t length = little_endian(&all[at + 8], 2);
    if (at + 10 + length > all.size()) throw std::runtime_error("a record of " + path + " is cut short");
    if (length < 12) throw std::runtime_error("a packet of " + path + " is shorter than an RTP header");
    const auto body = all.begin() + static_cast<long>(at) + 10;
    arrivals.push_back({little_endian(&all[at], 8), std::vector<uint8_t>(body, body + static_cast<long>(length))});
    at += 10 + length;
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.at_us < b.at_us; });
  if (arrivals.empty()) throw std::runtime_error(path + " holds no packet");
  return arrivals;
}

webrtc::RTPHeader header_of(const std::vector<uint8_t>& packet, size_t* payload_at) {
  webrtc::RTPHeader header;
  header.markerBit = packet[1] >> 7;
  header.payloadType = packet[1] & 0x7f;
  header.sequenceNumber = static_cast<uint16_t>(big_endian(&packet[2], 2));
  header.timestamp = big_endian(&packet[4], 4);
  header.ssrc = big_endian(&packet[8], 4);
  size_t at = 12 + 4 * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) && at + 4 <= packet.size()) at += 4 + 4 * big_endian(&packet[at + 2], 2);
  if (at > packet.size()) throw std::runtime_error("an RTP header is longer than its packet");
  header.headerLength = at;
  *payload_at = at;
  return header;
}

// Nanoseconds that each of many calls took, on the machine's own clock.
class Stopwatch {
 public:
  template <class Call>
  void time(Call call) {
    const auto from = std::chrono::steady_clock::now();
    call();
    const auto took = std::chrono::steady_clock::now() - from;
    took_.push_back(static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
  }
  uint64_t quantile(double q) {
    if (took_.empty()) return 0;
    std::sort(took_.begin(), took_.end());
    return took_[static_cast<size_t>(q * static_cast<double>(took_.size() - 1))];
  }

 private:
  std::vector<uint64_t> took_;
};

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options), clock_(static_cast<int64_t>(0)), csv_(options.csv), arrivals_(read_trace(options.in)) {
    webrtc::NetEq::Config config;
    config.sample_rate_hz = kRate;
    config.max_packets_in_buffer = 200;
    config.min_delay_ms = options.min_delay_ms;
    auto decoders = webrtc::CreateAudioDecoderFactory<webrtc::AudioDecoderOpus, webrtc::AudioDecoderG711,
                                                      webrtc::AudioDecoderG722, webrtc::AudioDecoderL16>();
    neteq_ = webrtc::DefaultNetEqFactory().CreateNetEq(config, decoders, &clock_);
    neteq_->RegisterPayloadType(111, webrtc::SdpAudioFormat("opus", 48000, 2, {{"useinbandfec", "1"}}));
    neteq_->RegisterPayloadType(63, webrtc::SdpAudioFormat("red", 48000, 2, {{"", "111/111"}}));
    neteq_->RegisterPayloadType(96, webrtc::SdpAudioFormat("L16", 48000, 1));
    neteq_->RegisterPayloadType(0, webrtc::SdpAudioFormat("pcmu", 8000, 1));
    neteq_->RegisterPayloadType(8, webrtc::SdpAudioFormat("pcma", 8000, 1));
    neteq_->RegisterPayloadType(9, webrtc::SdpAudioFormat("g722", 8000, 1));
    neteq_->RegisterPayloadType(13, webrtc::SdpAudioFormat("cn", 8000, 1));
    csv_ << "t_us,playout_ts,target_ms,filt_ms,cur_ms,concealed,accel,preempt,cng,muted,conc_events\n";
  }

  void all() {
    const uint64_t end = arrivals_.back().at_us + kTailUs;
    size_t next = 0;
    for (uint64_t now = options_.phase_us; now <= end; now += kPullUs) {
      while (next < arrivals_.size() && arrivals_[next].at_us <= now) insert(arrivals_[next++]);
      pull(now);
    }
    write_wav();
    print_summary();
  }

 private:
  void advance(uint64_t to_us) {
    const int64_t ahead = static_cast<int64_t>(to_us) - clock_.TimeInMicroseconds();
    if (ahead > 0) clock_.AdvanceTimeMicroseconds(ahead);
  }

  void insert(const Arrival& arrival) {
    advance(arrival.at_us);
    size_t at = 0;
    const webrtc::RTPHeader header = header_of(arrival.bytes, &at);
    const rtc::ArrayView<const uint8_t> payload(arrival.bytes.data() + at, arrival.bytes.size() - at);
    inserts_.time([&] { neteq_->InsertPacket(header, payload); });
  }

  void pull(uint64_t now) {
    advance(now);
    bool muted = false;
    pulls_.time([&] { neteq_->GetAudio(&frame_, &muted); });
    append(muted);
    const auto counts = neteq_->GetLifetimeStatistics();
    const auto state = neteq_->GetOperationsAndState();
    const auto played = neteq_->GetPlayoutTimestamp();
    csv_ << now << ',' << (played ? static_cast<int64_t>(*played) : -1) << ',' << neteq_->TargetDelayMs() << ','
         << neteq_->FilteredCurrentDelayMs() << ',' << state.current_buffer_size_ms << ',' << counts.concealed_samples
         << ',' << counts.removed_samples_for_acceleration << ',' << counts.inserted_samples_for_deceleration << ','
         << counts.generated_noise_samples << ',' << (muted ? 1 : 0) << ',' << counts.concealment_events << '\n';
  }

  // Adds what was pulled to the WAV: one channel, each sample repeated where the codec's rate is below 48 kHz.
  void append(bool muted) {
    const size_t channels = std::max<size_t>(frame_.num_channels_, 1);
    const size_t repeat = std::max(1, kRate / std::max(frame_.sample_rate_hz_, 1));
    const int16_t* samples = frame_.data();
    const size_t before = wav_.size();
    for (size_t i = 0; i < frame_.samples_per_channel_; i++) {
      int sum = 0;
      for (size_t c = 0; c < channels; c++) sum += samples[i * channels + c];
      const int16_t value = muted ? 0 : static_cast<int16_t>(sum / static_cast<int>(channels));
      wav_.insert(wav_.end(), repeat, value);
    }
    wav_.resize(before + kRowSamples, 0);
  }

  void write_wav() {
    std::ofstream file(options_.wav, std::ios::binary);
    auto put = [&](uint32_t value, int bytes) {
      for (int i = 0; i < bytes; i++) file.put(static_cast<char>(value >> (8 * i)));
    };
    const uint32_t data = static_cast<uint32_t>(wav_.size() * 2);
    file << "RIFF";
    put(36 + data, 4);
    file << "WAVEfmt ";
    put(16, 4);
    put(1, 2);
    put(1, 2);
    put(kRate, 4);
    put(2 * kRate, 4);
    put(2, 2);
    put(16, 2);
    file << "data";
    put(data, 4);
    for (const int16_t sample : wav_) put(static_cast<uint16_t>(sample), 2);
    if (!file) throw std::runtime_error("cannot write " + options_.wav);
  }

  void print_summary() {
    const auto counts = neteq_->GetLifetimeStatistics();
    const double emitted = static_cast<double>(counts.jitter_buffer_emitted_count);
    auto mean = [&](uint64_t sum) { return emitted > 0 ? std::to_string(static_cast<double>(sum) / emitted) : "null"; };
    std::cout << "{\"packets\":" << arrivals_.size() << ",\"samples\":" << counts.total_samples_received
              << ",\"concealed\":" << counts.concealed_samples
              << ",\"concealment_events\":" << counts.concealment_events
              << ",\"removed\":" << counts.removed_samples_for_acceleration
              << ",\"inserted\":" << counts.inserted_samples_for_deceleration
              << ",\"fec_received\":" << counts.fec_packets_received
              << ",\"fec_discarded\":" << counts.fec_packets_discarded
              << ",\"discarded\":" << counts.packets_discarded
              << ",\"buffer_delay_ms\":" << mean(counts.jitter_buffer_delay_ms)
              << ",\"insert_ns_p50\":" << inserts_.quantile(0.5) << ",\"insert_ns_p999\":" << inserts_.quantile(0.999)
              << ",\"pull_ns_p50\":" << pulls_.quantile(0.5) << ",\"pull_ns_p999\":" << pulls_.quantile(0.999) << "}\n";
  }

  Options options_;
  webrtc::SimulatedClock clock_;
  std::ofstream csv_;
  std::vector<Arrival> arrivals_;
  std::unique_ptr<webrtc::NetEq> neteq_;
  webrtc::AudioFrame frame_;
  std::vector<int16_t> wav_;
  Stopwatch inserts_, pulls_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    rtc::LogMessage::LogToDebug(rtc::LS_NONE);
    webrtc::field_trial::InitFieldTrialsFromString(options.trial.c_str());
    Run(options).all();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "neteq: " << error.what() << '\n';
    return 2;
  }
}
