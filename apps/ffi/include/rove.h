/* rove: a phone for other programs. Written by cbindgen out of apps/ffi/src/c; do not edit. */

#ifndef ROVE_H
#define ROVE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 What a phone speaks with and listens to.
 */
#define ROVE_SOUND_SILENCE 0

/*
 The program pushes and pulls PCM: `pcm_rate`.
 */
#define ROVE_SOUND_PCM 1

/*
 The platform's sound card: `input`, `output`.
 */
#define ROVE_SOUND_CARD 2

/*
 WAV files: `play`, `record`.
 */
#define ROVE_SOUND_FILES 3

/*
 What a function answers. [`rove_last_error`] has the sentence to it.
 */
typedef enum {
  /*
   Done.
   */
  ROVE_STATUS_OK = 0,
  /*
   An argument cannot be used; a pointer that must not be null is.
   */
  ROVE_STATUS_ARGUMENT = 1,
  /*
   The phone or call is not there, or not any more.
   */
  ROVE_STATUS_GONE = 2,
  /*
   The phone could not be started.
   */
  ROVE_STATUS_START = 3,
  /*
   The target cannot be dialled.
   */
  ROVE_STATUS_TARGET = 4,
  /*
   Nothing came in time.
   */
  ROVE_STATUS_TIMEOUT = 5,
  /*
   Another thread does the same at this moment, or this one must not wait.
   */
  ROVE_STATUS_BUSY = 6,
  /*
   The call has no sound now: not yet, or not any more.
   */
  ROVE_STATUS_NO_SOUND = 7,
  /*
   A fault of this library, which has been contained.
   */
  ROVE_STATUS_PANICKED = 8,
} RoveStatus;

/*
 What an event tells; which fields of it count is said here.
 */
typedef enum {
  /*
   None.
   */
  ROVE_EVENT_KIND_NONE = 0,
  /*
   Somebody calls: `call`, `who`.
   */
  ROVE_EVENT_KIND_INCOMING,
  /*
   A call goes out: `call`.
   */
  ROVE_EVENT_KIND_CONNECTING,
  /*
   The other side is alerted: `call`.
   */
  ROVE_EVENT_KIND_RINGING,
  /*
   Something is heard before the answer: `call`.
   */
  ROVE_EVENT_KIND_EARLY_MEDIA,
  /*
   The call stands: `call`.
   */
  ROVE_EVENT_KIND_CONNECTED,
  /*
   It is held: `call`, `by`.
   */
  ROVE_EVENT_KIND_HELD,
  /*
   It goes on: `call`, `by`.
   */
  ROVE_EVENT_KIND_RESUMED,
  /*
   It is over: `call`, `reason`, `who`, `text` (a sentence), `detail` (a stable word), `figures` of the whole call.
   */
  ROVE_EVENT_KIND_ENDED,
  /*
   The other side pressed a key: `call`, `text`.
   */
  ROVE_EVENT_KIND_KEY,
  /*
   Somebody wrote: `call` or 0, `who`, `text`.
   */
  ROVE_EVENT_KIND_TEXT,
  /*
   How the last second was: `call`, `figures`.
   */
  ROVE_EVENT_KIND_QUALITY,
  /*
   Media take this kind of way: `call`, `text`.
   */
  ROVE_EVENT_KIND_ROUTE,
  /*
   The other side is heard by a better way: `call`, `who` (kind before, or null), `text` (kind since, or null), `detail`
   (what was wrong), `number` (the longest time without a packet, in ms; NaN: unknown), `figures.lost`.
   */
  ROVE_EVENT_KIND_REROUTED,
  /*
   The last seconds were worse than the threshold, and no better way is known: `call`, `detail`.
   */
  ROVE_EVENT_KIND_COMPLAINT,
  /*
   The other side has handed us over, and we call: `call`, `other`, `who`.
   */
  ROVE_EVENT_KIND_TRANSFERRED,
  /*
   Something asked for was not done; the call goes on: `call`, `text`.
   */
  ROVE_EVENT_KIND_REFUSED,
  /*
   The account is reached: `other`.
   */
  ROVE_EVENT_KIND_REGISTERED,
  /*
   It is not: `other`, `text`, `number` (when it is tried again, in s; NaN: it is given up).
   */
  ROVE_EVENT_KIND_REGISTRATION_FAILED,
  /*
   It was given up, as asked for: `other`.
   */
  ROVE_EVENT_KIND_UNREGISTERED,
  /*
   Who wakes this phone: `other`, `text`, or null for nobody.
   */
  ROVE_EVENT_KIND_PUSH,
  /*
   So many events were thrown away, since nobody took them: `other`.
   */
  ROVE_EVENT_KIND_MISSED,
  /*
   The phone has left: the last event.
   */
  ROVE_EVENT_KIND_STOPPED,
} RoveEventKind;

/*
 Why a call is over, as far as platforms tell it apart.
 */
typedef enum {
  /*
   We ended it. Core-Telecom: `LOCAL`.
   */
  ROVE_END_REASON_HUNG_UP,
  /*
   The other side ended it. CallKit: `remoteEnded`; Core-Telecom: `REMOTE`.
   */
  ROVE_END_REASON_PEER_HUNG_UP,
  /*
   The caller gave up before it was answered. CallKit: `unanswered`; Core-Telecom: `MISSED`.
   */
  ROVE_END_REASON_MISSED,
  /*
   It was declined, there or here. CallKit: `remoteEnded`; Core-Telecom: `REJECTED`.
   */
  ROVE_END_REASON_DECLINED,
  /*
   The other side is busy. CallKit: `remoteEnded`; Core-Telecom: `BUSY`.
   */
  ROVE_END_REASON_BUSY,
  /*
   Nobody answered in time. CallKit: `unanswered`.
   */
  ROVE_END_REASON_NO_ANSWER,
  /*
   Another phone of the same user has taken it. CallKit: `answeredElsewhere`; Core-Telecom: `ANSWERED_ELSEWHERE`.
   */
  ROVE_END_REASON_ANSWERED_ELSEWHERE,
  /*
   It was handed over to somebody else.
   */
  ROVE_END_REASON_TRANSFERRED,
  /*
   It failed; the report says how. CallKit: `failed`; Core-Telecom: `ERROR`.
   */
  ROVE_END_REASON_FAILED,
} RoveEndReason;

/*
 Who holds a call.
 */
typedef enum {
  /*
   This side.
   */
  ROVE_PARTY_US,
  /*
   The other side.
   */
  ROVE_PARTY_PEER,
} RoveParty;

/*
 A phone, until it is freed. 0 is none. Numbers are never used again.
 */
typedef uint64_t RovePhone;

/*
 A call of a phone. 0 is none. It needs not be freed: its phone forgets it when it is over.
 */
typedef uint64_t RoveCall;

/*
 What was measured of a call; NaN: it was not.
 */
typedef struct {
  /*
   Packets sent since the start.
   */
  uint64_t sent;
  /*
   Packets received.
   */
  uint64_t received;
  /*
   Packets lost.
   */
  uint64_t lost;
  /*
   Packets lost in this second, in percent.
   */
  double loss_percent;
  /*
   Interarrival jitter, in ms.
   */
  double jitter_ms;
  /*
   There and back, in ms.
   */
  double round_trip_ms;
  /*
   Mouth to ear, in ms.
   */
  double delay_ms;
  /*
   Conversational quality, 1 to 5.
   */
  double mos;
} RoveFigures;

/*
 An event. Texts belong to it; `rove_event_clear` frees them. Figures that were not measured are NaN.
 */
typedef struct {
  /*
   What it tells.
   */
  RoveEventKind kind;
  /*
   Of which call; 0: of none.
   */
  RoveCall call;
  /*
   Another call, an account, or a count.
   */
  uint64_t other;
  /*
   Why a call is over.
   */
  RoveEndReason reason;
  /*
   Who holds a call.
   */
  RoveParty by;
  /*
   A figure of its own.
   */
  double number;
  /*
   What was measured.
   */
  RoveFigures figures;
  /*
   Somebody, or null.
   */
  char *who;
  /*
   A sentence or words, or null.
   */
  char *text;
  /*
   A stable word, or null.
   */
  char *detail;
} RoveEvent;

/*
 Who is called back: the event is the library's, and is gone after return. It comes on the phone's own thread for events,
 one at a time; there it may call anything, `rove_phone_free` as well.
 */
typedef void (*RoveCallback)(void *user_data, const RoveEvent *event);

/*
 Called once, when `user_data` is not used any more, from whichever thread that is found out on.
 */
typedef void (*RoveRelease)(void *user_data);

/*
 Settings of a phone. `rove_config_init` fills in what holds unless said; texts are UTF-8, and may be null.
 */
typedef struct {
  /*
   Its size, as the caller was compiled: later versions append fields.
   */
  size_t size;
  /*
   Who calls: a host name, `user@host` or `sip:` URI.
   */
  const char *identity;
  /*
   Addresses with ports to listen on for SIP, with commas between them; null: all of this host.
   */
  const char *listen;
  /*
   Name servers with ports, with commas between them; null: those of the system.
   */
  const char *dns_servers;
  /*
   Who is asked how the world sees a port, with its port.
   */
  const char *stun_server;
  /*
   A file in PEM with the authorities to trust; null: those of the system.
   */
  const char *authorities;
  /*
   One of `ROVE_SOUND_*`.
   */
  uint32_t sound;
  /*
   Samples per second that are pushed and pulled.
   */
  uint32_t pcm_rate;
  /*
   A microphone by name.
   */
  const char *input;
  /*
   A loudspeaker by name.
   */
  const char *output;
  /*
   A WAV file to say.
   */
  const char *play;
  /*
   A WAV file to record into.
   */
  const char *record;
  /*
   What a user puts up with; NaN: it does not matter. In percent.
   */
  double threshold_loss_percent;
  /*
   A mean opinion score, 1 to 4.5.
   */
  double threshold_mos;
  /*
   One way, in ms.
   */
  double threshold_delay_ms;
  /*
   In ms.
   */
  double threshold_jitter_ms;
  /*
   How long a call may ring, in seconds; 0: a minute.
   */
  uint32_t ring_for_s;
  /*
   More calls than this at once are answered busy; 0: a hundred.
   */
  uint32_t most_calls;
  /*
   The port that goes with a null `listen`; 0 lets the system pick.
   */
  uint16_t sip_port;
  /*
   Media are encrypted, or there is no call.
   */
  bool must_encrypt;
  /*
   Cards and files run between `rove_phone_audio_session_activated(phone, true)` and `false` only.
   */
  bool owns_session;
} RoveConfig;

/*
 An account at a SIP server. Texts but `address` may be null.
 */
typedef struct {
  /*
   The address of record, `alice@example.com`.
   */
  const char *address;
  /*
   The user it logs in as.
   */
  const char *user;
  /*
   Its password.
   */
  const char *password;
  /*
   The server, where it is not found by the address.
   */
  const char *server;
  /*
   RFC 8599: `apns`, `fcm`, `webpush`; null: the phone needs not be woken.
   */
  const char *push_provider;
  /*
   RFC 8599: what the service knows this phone by.
   */
  const char *push_prid;
  /*
   RFC 8599: what else it wants to know.
   */
  const char *push_param;
  /*
   How long a registration is asked for, in seconds; 0: an hour.
   */
  uint32_t expires_s;
} RoveAccount;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Calls a host name, IP address, `user@host` or URI.

 # Safety

 `target` is null or ends with a zero; `call` is null or valid for writing.
 */
RoveStatus rove_phone_dial(RovePhone phone, const char *target, RoveCall *call);

/*
 Picks up an incoming call.
 */
RoveStatus rove_call_answer(RoveCall call);

/*
 Refuses an incoming call as declined.
 */
RoveStatus rove_call_decline(RoveCall call);

/*
 Refuses an incoming call as busy.
 */
RoveStatus rove_call_refuse_busy(RoveCall call);

/*
 Ends a call, whatever state it is in.
 */
RoveStatus rove_call_hang_up(RoveCall call);

/*
 Whether the other side hears nothing of us.
 */
RoveStatus rove_call_mute(RoveCall call, bool muted);

/*
 Whether we hear nothing of the other side.
 */
RoveStatus rove_call_mute_peer(RoveCall call, bool muted);

/*
 Holds a call.
 */
RoveStatus rove_call_hold(RoveCall call);

/*
 Goes on with a call that we hold.
 */
RoveStatus rove_call_resume(RoveCall call);

/*
 Presses a key (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`, for so many milliseconds.
 */
RoveStatus rove_call_press(RoveCall call, char key, uint32_t ms);

/*
 Writes to the other side, inside of the call.

 # Safety

 `text` is null or ends with a zero.
 */
RoveStatus rove_call_send_text(RoveCall call, const char *text);

/*
 Hands the other side over to somebody else.

 # Safety

 `target` is null or ends with a zero.
 */
RoveStatus rove_call_transfer(RoveCall call, const char *target);

/*
 The next event of a phone, into `event`; waits for it so many milliseconds at most, inside of a callback not at all.
 `ROVE_STATUS_TIMEOUT`: none came. After `ROVE_EVENT_KIND_STOPPED` none comes.

 # Safety

 `event` is null or valid for writing; what it held before is not freed.
 */
RoveStatus rove_phone_next_event(RovePhone phone,
                                 uint32_t patience_ms,
                                 RoveEvent *event);

/*
 Frees the texts of an event and makes it one that tells nothing; harmless on such a one.

 # Safety

 `event` is null, or was filled in by [`rove_phone_next_event`] and is not freed by another thread meanwhile.
 */
RoveStatus rove_event_clear(RoveEvent *event);

/*
 Who is called back with all events of a phone from now on, instead of keeping them to be asked for; null: nobody. `release`,
 where it is not null, is called once when `user_data` is not used any more, also when this fails.

 # Safety

 `callback` and `release` may be called with `user_data` from any thread, until `release` was.
 */
RoveStatus rove_phone_set_callback(RovePhone phone,
                                   RoveCallback callback,
                                   void *user_data,
                                   RoveRelease release);

/*
 Says `count` samples in a call, heard until now: mono, at the phone's `pcm_rate`. One thread at a time for a call.

 # Safety

 `samples` is null, or valid for reading `count` of them.
 */
RoveStatus rove_call_push_pcm(RoveCall call,
                              const int16_t *samples,
                              size_t count);

/*
 The same with samples from -1 to 1.

 # Safety

 As [`rove_call_push_pcm`].
 */
RoveStatus rove_call_push_pcm_f32(RoveCall call, const float *samples, size_t count);

/*
 Fills `count` samples with what is heard in a call from now on: mono, at the phone's `pcm_rate`. One thread at a time for
 a call. Where it answers anything but `ROVE_STATUS_OK`, they are silence.

 # Safety

 `samples` is null, or valid for writing `count` of them.
 */
RoveStatus rove_call_pull_pcm(RoveCall call,
                              int16_t *samples,
                              size_t count);

/*
 The same with samples from -1 to 1.

 # Safety

 As [`rove_call_pull_pcm`].
 */
RoveStatus rove_call_pull_pcm_f32(RoveCall call, float *samples, size_t count);

/*
 Fills in what holds unless said.

 # Safety

 `config` is null, or valid for writing.
 */
RoveStatus rove_config_init(RoveConfig *config);

/*
 Starts a phone. It ends with `rove_phone_free`.

 # Safety

 `config` is null (all as it is unless said) or was filled in by `rove_config_init`, with texts that end with a zero;
 `phone` is null or valid for writing.
 */
RoveStatus rove_phone_create(const RoveConfig *config,
                             RovePhone *phone);

/*
 Gives a phone up, from any thread, a finaliser's or a callback's as well. Its calls are hung up and its accounts withdrawn
 behind the caller's back, within a few seconds; `rove_phone_close` before this waits for that.
 */
RoveStatus rove_phone_free(RovePhone phone);

/*
 Hangs up all calls, withdraws all accounts, and waits for that so many milliseconds at most. The phone does nothing any more
 but to hand out events; it is still to be freed.
 */
RoveStatus rove_phone_close(RovePhone phone,
                            uint32_t patience_ms);

/*
 The UDP port that SIP listens on.

 # Safety

 `port` is null or valid for writing.
 */
RoveStatus rove_phone_sip_port(RovePhone phone, uint16_t *port);

/*
 Takes up an account at a SIP server and keeps it registered. Events tell what becomes of it.

 # Safety

 `account` is null or valid, with texts that end with a zero; `number` is null or valid for writing.
 */
RoveStatus rove_phone_register(RovePhone phone, const RoveAccount *account, uint64_t *number);

/*
 Gives an account up.
 */
RoveStatus rove_phone_unregister(RovePhone phone, uint64_t account);

/*
 A push service has woken the phone: the account is registered anew at once, so that the call that waits can come
 (RFC 8599 §4.1.3).
 */
RoveStatus rove_phone_woken(RovePhone phone,
                            uint64_t account);

/*
 The host has moved to another network: calls go on from there.
 */
RoveStatus rove_phone_network_changed(RovePhone phone);

/*
 The platform lets the app use its sound, or no longer; for phones made with `owns_session`.
 */
RoveStatus rove_phone_audio_session_activated(RovePhone phone, bool active);

/*
 Writes to somebody outside of any call (RFC 3428).

 # Safety

 Texts are null or end with a zero.
 */
RoveStatus rove_phone_send_message(RovePhone phone, const char *target, const char *text);

/*
 Writes the sentence to the last failure of this thread into `text`, cut to `room` bytes with its ending zero. Answers the
 bytes that it needs, with the ending zero; 1 where nothing has failed.

 # Safety

 `text` is null, or has room for `room` bytes.
 */
size_t rove_last_error(char *text,
                       size_t room);

/*
 The version of this library, for ever.
 */
const char *rove_version(void);

/*
 Writes the sentence to the last failure of this thread into `text`, cut to `room` bytes with its ending zero. Answers the
 bytes that it needs, with the ending zero; 1 where nothing has failed.

 # Safety

 `text` is null, or has room for `room` bytes.
 */
size_t rove_last_error(char *text,
                       size_t room);

/*
 The version of this library, for ever.
 */
const char *rove_version(void);

/*
 Fills in what holds unless said.

 # Safety

 `config` is null, or valid for writing.
 */
RoveStatus rove_config_init(RoveConfig *config);

/*
 Starts a phone. It ends with `rove_phone_free`.

 # Safety

 `config` is null (all as it is unless said) or was filled in by `rove_config_init`, with texts that end with a zero;
 `phone` is null or valid for writing.
 */
RoveStatus rove_phone_create(const RoveConfig *config,
                             RovePhone *phone);

/*
 Gives a phone up, from any thread, a finaliser's or a callback's as well. Its calls are hung up and its accounts withdrawn
 behind the caller's back, within a few seconds; `rove_phone_close` before this waits for that.
 */
RoveStatus rove_phone_free(RovePhone phone);

/*
 Hangs up all calls, withdraws all accounts, and waits for that so many milliseconds at most. The phone does nothing any more
 but to hand out events; it is still to be freed.
 */
RoveStatus rove_phone_close(RovePhone phone,
                            uint32_t patience_ms);

/*
 The UDP port that SIP listens on.

 # Safety

 `port` is null or valid for writing.
 */
RoveStatus rove_phone_sip_port(RovePhone phone, uint16_t *port);

/*
 Takes up an account at a SIP server and keeps it registered. Events tell what becomes of it.

 # Safety

 `account` is null or valid, with texts that end with a zero; `number` is null or valid for writing.
 */
RoveStatus rove_phone_register(RovePhone phone, const RoveAccount *account, uint64_t *number);

/*
 Gives an account up.
 */
RoveStatus rove_phone_unregister(RovePhone phone, uint64_t account);

/*
 A push service has woken the phone: the account is registered anew at once, so that the call that waits can come
 (RFC 8599 §4.1.3).
 */
RoveStatus rove_phone_woken(RovePhone phone,
                            uint64_t account);

/*
 The host has moved to another network: calls go on from there.
 */
RoveStatus rove_phone_network_changed(RovePhone phone);

/*
 The platform lets the app use its sound, or no longer; for phones made with `owns_session`.
 */
RoveStatus rove_phone_audio_session_activated(RovePhone phone, bool active);

/*
 Writes to somebody outside of any call (RFC 3428).

 # Safety

 Texts are null or end with a zero.
 */
RoveStatus rove_phone_send_message(RovePhone phone, const char *target, const char *text);

/*
 Calls a host name, IP address, `user@host` or URI.

 # Safety

 `target` is null or ends with a zero; `call` is null or valid for writing.
 */
RoveStatus rove_phone_dial(RovePhone phone, const char *target, RoveCall *call);

/*
 Picks up an incoming call.
 */
RoveStatus rove_call_answer(RoveCall call);

/*
 Refuses an incoming call as declined.
 */
RoveStatus rove_call_decline(RoveCall call);

/*
 Refuses an incoming call as busy.
 */
RoveStatus rove_call_refuse_busy(RoveCall call);

/*
 Ends a call, whatever state it is in.
 */
RoveStatus rove_call_hang_up(RoveCall call);

/*
 Whether the other side hears nothing of us.
 */
RoveStatus rove_call_mute(RoveCall call, bool muted);

/*
 Whether we hear nothing of the other side.
 */
RoveStatus rove_call_mute_peer(RoveCall call, bool muted);

/*
 Holds a call.
 */
RoveStatus rove_call_hold(RoveCall call);

/*
 Goes on with a call that we hold.
 */
RoveStatus rove_call_resume(RoveCall call);

/*
 Presses a key (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`, for so many milliseconds.
 */
RoveStatus rove_call_press(RoveCall call, char key, uint32_t ms);

/*
 Writes to the other side, inside of the call.

 # Safety

 `text` is null or ends with a zero.
 */
RoveStatus rove_call_send_text(RoveCall call, const char *text);

/*
 Hands the other side over to somebody else.

 # Safety

 `target` is null or ends with a zero.
 */
RoveStatus rove_call_transfer(RoveCall call, const char *target);

/*
 The next event of a phone, into `event`; waits for it so many milliseconds at most, inside of a callback not at all.
 `ROVE_STATUS_TIMEOUT`: none came. After `ROVE_EVENT_KIND_STOPPED` none comes.

 # Safety

 `event` is null or valid for writing; what it held before is not freed.
 */
RoveStatus rove_phone_next_event(RovePhone phone,
                                 uint32_t patience_ms,
                                 RoveEvent *event);

/*
 Frees the texts of an event and makes it one that tells nothing; harmless on such a one.

 # Safety

 `event` is null, or was filled in by [`rove_phone_next_event`] and is not freed by another thread meanwhile.
 */
RoveStatus rove_event_clear(RoveEvent *event);

/*
 Who is called back with all events of a phone from now on, instead of keeping them to be asked for; null: nobody. `release`,
 where it is not null, is called once when `user_data` is not used any more, also when this fails.

 # Safety

 `callback` and `release` may be called with `user_data` from any thread, until `release` was.
 */
RoveStatus rove_phone_set_callback(RovePhone phone,
                                   RoveCallback callback,
                                   void *user_data,
                                   RoveRelease release);

/*
 Says `count` samples in a call, heard until now: mono, at the phone's `pcm_rate`. One thread at a time for a call.

 # Safety

 `samples` is null, or valid for reading `count` of them.
 */
RoveStatus rove_call_push_pcm(RoveCall call,
                              const int16_t *samples,
                              size_t count);

/*
 The same with samples from -1 to 1.

 # Safety

 As [`rove_call_push_pcm`].
 */
RoveStatus rove_call_push_pcm_f32(RoveCall call, const float *samples, size_t count);

/*
 Fills `count` samples with what is heard in a call from now on: mono, at the phone's `pcm_rate`. One thread at a time for
 a call. Where it answers anything but `ROVE_STATUS_OK`, they are silence.

 # Safety

 `samples` is null, or valid for writing `count` of them.
 */
RoveStatus rove_call_pull_pcm(RoveCall call,
                              int16_t *samples,
                              size_t count);

/*
 The same with samples from -1 to 1.

 # Safety

 As [`rove_call_pull_pcm`].
 */
RoveStatus rove_call_pull_pcm_f32(RoveCall call, float *samples, size_t count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ROVE_H */
