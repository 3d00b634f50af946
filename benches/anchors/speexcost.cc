// What speexdsp's jitter buffer costs: speexcost [PACKETS] [LOST_EVERY]. One packet of 20 ms after the other, as
// `cargo bench -p rove-benches --bench jitter -- percentiles` plays them to ours: jitter of up to 15 ms, every
// LOST_EVERY-th packet lost (0: none). Prints percentiles of single calls as JSON; the clock's own time is taken off.
//
// The library is opened by name, so that its headers need not be installed; the interface is that of speex_jitter.h.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

struct Packet {
  char* data;
  uint32_t len, timestamp, span;
  uint16_t sequence;
  uint32_t user_data;
};

template <class Call>
uint64_t timed(Call call) {
  const auto from = std::chrono::steady_clock::now();
  call();
  const auto took = std::chrono::steady_clock::now() - from;
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
}

uint64_t at(const std::vector<uint64_t>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  const uint32_t packets = argc > 1 ? static_cast<uint32_t>(std::atol(argv[1])) : 1'000'000;
  const uint32_t lost_every = argc > 2 ? static_cast<uint32_t>(std::atol(argv[2])) : 0;
  void* library = dlopen("libspeexdsp.so.1", RTLD_NOW);
  if (library == nullptr) {
    std::fputs("missing: libspeexdsp.so.1\ninstall it with: apt-get install -y libspeexdsp1\n", stderr);
    return 3;
  }
  const auto init = reinterpret_cast<void* (*)(int)>(dlsym(library, "jitter_buffer_init"));
  const auto put = reinterpret_cast<void (*)(void*, const Packet*)>(dlsym(library, "jitter_buffer_put"));
  const auto get = reinterpret_cast<int (*)(void*, Packet*, int32_t, int32_t*)>(dlsym(library, "jitter_buffer_get"));
  const auto tick = reinterpret_cast<void (*)(void*)>(dlsym(library, "jitter_buffer_tick"));
  void* buffer = init(20);
  std::vector<uint64_t> inserts, pulls, nothing;
  char in[160] = {}, out[256];
  for (int i = 0; i < 100'000; i++) nothing.push_back(timed([] {}));
  std::sort(nothing.begin(), nothing.end());
  const uint64_t clock = at(nothing, 0.5);
  for (uint32_t n = 1; n <= packets; n++) {
    // The buffer counts time by its ticks and never asks when a packet came: late is what comes after its turn.
    const bool late = (n * 0x9e3779b9u >> 28) >= 10;
    const auto insert = [&] {
      Packet packet{in, sizeof in, n * 20, 20, static_cast<uint16_t>(n), 0};
      if (lost_every == 0 || n % lost_every != 0) inserts.push_back(timed([&] { put(buffer, &packet); }));
    };
    if (!late) insert();
    Packet packet{out, sizeof out, 0, 0, 0, 0};
    int32_t offset = 0;
    pulls.push_back(timed([&] {
      get(buffer, &packet, 20, &offset);
      tick(buffer);
    }));
    if (late) insert();
  }
  for (auto* took : {&inserts, &pulls}) std::sort(took->begin(), took->end());
  const auto less = [&](uint64_t took) { return static_cast<unsigned long long>(took > clock ? took - clock : 0); };
  std::printf("{\"insert_ns_p50\": %llu, \"insert_ns_p999\": %llu, \"pull_ns_p50\": %llu, \"pull_ns_p999\": %llu}\n",
              less(at(inserts, 0.5)), less(at(inserts, 0.999)), less(at(pulls, 0.5)), less(at(pulls, 0.999)));
}
