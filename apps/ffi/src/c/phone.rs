//! Phones.

use core::{ffi::c_char, mem::size_of, ptr, time::Duration};

use super::{RovePhone, Status, pointers, registry, status::answered};
use crate::{
    config::{Account, Config, PushService, Sound, Threshold},
    error::RoveError,
};

/// What a phone speaks with and listens to.
pub const ROVE_SOUND_SILENCE: u32 = 0;
/// The program pushes and pulls PCM: `pcm_rate`.
pub const ROVE_SOUND_PCM: u32 = 1;
/// The platform's sound card: `input`, `output`.
pub const ROVE_SOUND_CARD: u32 = 2;
/// WAV files: `play`, `record`.
pub const ROVE_SOUND_FILES: u32 = 3;

/// Settings of a phone. `rove_config_init` fills in what holds unless said; texts are UTF-8, and may be null.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RoveConfig {
    /// Its size, as the caller was compiled: later versions append fields.
    pub size: usize,
    /// Who calls: a host name, `user@host` or `sip:` URI.
    pub identity: *const c_char,
    /// Addresses with ports to listen on for SIP, with commas between them; null: all of this host.
    pub listen: *const c_char,
    /// Name servers with ports, with commas between them; null: those of the system.
    pub dns_servers: *const c_char,
    /// Who is asked how the world sees a port, with its port.
    pub stun_server: *const c_char,
    /// A file in PEM with the authorities to trust; null: those of the system.
    pub authorities: *const c_char,
    /// One of `ROVE_SOUND_*`.
    pub sound: u32,
    /// Samples per second that are pushed and pulled.
    pub pcm_rate: u32,
    /// A microphone by name.
    pub input: *const c_char,
    /// A loudspeaker by name.
    pub output: *const c_char,
    /// A WAV file to say.
    pub play: *const c_char,
    /// A WAV file to record into.
    pub record: *const c_char,
    /// What a user puts up with; NaN: it does not matter. In percent.
    pub threshold_loss_percent: f64,
    /// A mean opinion score, 1 to 4.5.
    pub threshold_mos: f64,
    /// One way, in ms.
    pub threshold_delay_ms: f64,
    /// In ms.
    pub threshold_jitter_ms: f64,
    /// How long a call may ring, in seconds; 0: a minute.
    pub ring_for_s: u32,
    /// More calls than this at once are answered busy; 0: a hundred.
    pub most_calls: u32,
    /// The port that goes with a null `listen`; 0 lets the system pick.
    pub sip_port: u16,
    /// Media are encrypted, or there is no call.
    pub must_encrypt: bool,
    /// Cards and files run between `rove_phone_audio_session_activated(phone, true)` and `false` only.
    pub owns_session: bool,
}

/// An account at a SIP server. Texts but `address` may be null.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RoveAccount {
    /// The address of record, `alice@example.com`.
    pub address: *const c_char,
    /// The user it logs in as.
    pub user: *const c_char,
    /// Its password.
    pub password: *const c_char,
    /// The server, where it is not found by the address.
    pub server: *const c_char,
    /// RFC 8599: `apns`, `fcm`, `webpush`; null: the phone needs not be woken.
    pub push_provider: *const c_char,
    /// RFC 8599: what the service knows this phone by.
    pub push_prid: *const c_char,
    /// RFC 8599: what else it wants to know.
    pub push_param: *const c_char,
    /// How long a registration is asked for, in seconds; 0: an hour.
    pub expires_s: u32,
}

impl Default for RoveConfig {
    fn default() -> Self {
        let none = ptr::null();
        Self {
            size: size_of::<Self>(),
            identity: none,
            listen: none,
            dns_servers: none,
            stun_server: none,
            authorities: none,
            sound: ROVE_SOUND_SILENCE,
            pcm_rate: 48_000,
            input: none,
            output: none,
            play: none,
            record: none,
            threshold_loss_percent: f64::NAN,
            threshold_mos: f64::NAN,
            threshold_delay_ms: f64::NAN,
            threshold_jitter_ms: f64::NAN,
            ring_for_s: 0,
            most_calls: 0,
            sip_port: 0,
            must_encrypt: false,
            owns_session: false,
        }
    }
}

/// Fills in what holds unless said.
///
/// # Safety
///
/// `config` is null, or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_config_init(config: *mut RoveConfig) -> Status {
    // SAFETY: promised by the caller.
    answered(|| unsafe { pointers::write("config", config, RoveConfig::default()) })
}

/// Starts a phone. It ends with `rove_phone_free`.
///
/// # Safety
///
/// `config` is null (all as it is unless said) or was filled in by `rove_config_init`, with texts that end with a zero;
/// `phone` is null or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_create(config: *const RoveConfig, phone: *mut RovePhone) -> Status {
    answered(|| {
        pointers::given("phone", phone)?;
        let config = if config.is_null() {
            Config::default()
        } else {
            // SAFETY: promised by the caller; the size comes first in all versions, and is read by itself.
            let size = unsafe { (&raw const (*config).size).read() };
            if size != size_of::<RoveConfig>() {
                return Err(RoveError::argument(
                    "config was not filled in by rove_config_init of this version",
                ));
            }
            // SAFETY: it is of this version, and promised to be valid.
            unsafe { understood(&*config) }?
        };
        // SAFETY: promised by the caller.
        unsafe { pointers::write("phone", phone, registry::create(config)?) }
    })
}

/// # Safety
///
/// Texts end with a zero.
unsafe fn understood(config: &RoveConfig) -> Result<Config, RoveError> {
    // SAFETY: promised by the caller, for all texts.
    let text = |what: &str, text| unsafe { pointers::optional(what, text) };
    let owned = |what: &str, field| Ok::<_, RoveError>(text(what, field)?.map(str::to_owned));
    let list = |what: &str, field| {
        let texts = text(what, field)?.unwrap_or_default().split(',').map(str::trim);
        Ok::<_, RoveError>(texts.filter(|text| !text.is_empty()).map(str::to_owned).collect())
    };
    let sound = match config.sound {
        ROVE_SOUND_SILENCE => Sound::Silence,
        ROVE_SOUND_PCM => Sound::Pcm { rate: config.pcm_rate },
        ROVE_SOUND_CARD => {
            Sound::Card { input: owned("input", config.input)?, output: owned("output", config.output)? }
        }
        ROVE_SOUND_FILES => {
            Sound::Files { play: owned("play", config.play)?, record: owned("record", config.record)? }
        }
        sound => return Err(RoveError::argument(format!("sound {sound} is none of ROVE_SOUND_*"))),
    };
    let asked = |value: f64| (!value.is_nan()).then_some(value);
    Ok(Config {
        identity: owned("identity", config.identity)?,
        listen: list("listen", config.listen)?,
        sip_port: config.sip_port,
        dns_servers: list("dns_servers", config.dns_servers)?,
        stun_server: owned("stun_server", config.stun_server)?,
        authorities: owned("authorities", config.authorities)?,
        must_encrypt: config.must_encrypt,
        sound: Some(sound),
        owns_session: config.owns_session,
        threshold: Some(Threshold {
            loss_percent: asked(config.threshold_loss_percent),
            mos: asked(config.threshold_mos),
            delay_ms: asked(config.threshold_delay_ms),
            jitter_ms: asked(config.threshold_jitter_ms),
        }),
        ring_for_s: config.ring_for_s,
        most_calls: config.most_calls,
    })
}

/// Gives a phone up, from any thread, a finaliser's or a callback's as well. Its calls are hung up and its accounts withdrawn
/// behind the caller's back, within a few seconds; `rove_phone_close` before this waits for that.
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_free(phone: RovePhone) -> Status {
    answered(|| registry::free(phone))
}

/// Hangs up all calls, withdraws all accounts, and waits for that so many milliseconds at most. The phone does nothing any more
/// but to hand out events; it is still to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_close(phone: RovePhone, patience_ms: u32) -> Status {
    answered(|| registry::find(phone)?.wait_closed(Duration::from_millis(patience_ms.into())))
}

/// The UDP port that SIP listens on.
///
/// # Safety
///
/// `port` is null or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_sip_port(phone: RovePhone, port: *mut u16) -> Status {
    // SAFETY: promised by the caller.
    answered(|| unsafe { pointers::write("port", port, registry::find(phone)?.sip_port()) })
}

/// Takes up an account at a SIP server and keeps it registered. Events tell what becomes of it.
///
/// # Safety
///
/// `account` is null or valid, with texts that end with a zero; `number` is null or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_register(
    phone: RovePhone,
    account: *const RoveAccount,
    number: *mut u64,
) -> Status {
    answered(|| {
        pointers::given("number", number)?;
        pointers::given("account", account)?;
        // SAFETY: promised by the caller.
        let account = unsafe { account_of(&*account) }?;
        // SAFETY: promised by the caller.
        unsafe { pointers::write("number", number, registry::find(phone)?.register(account)?) }
    })
}

/// # Safety
///
/// Texts end with a zero.
unsafe fn account_of(account: &RoveAccount) -> Result<Account, RoveError> {
    // SAFETY: promised by the caller, for all texts.
    let owned =
        |what: &str, text| unsafe { pointers::optional(what, text) }.map(|text| text.map(str::to_owned));
    let needed =
        |what: &str, text| owned(what, text)?.ok_or_else(|| RoveError::argument(format!("{what} is null")));
    let push = match owned("push_provider", account.push_provider)? {
        None => None,
        Some(provider) => Some(PushService {
            provider,
            prid: needed("push_prid", account.push_prid)?,
            param: owned("push_param", account.push_param)?,
        }),
    };
    Ok(Account {
        address: needed("address", account.address)?,
        user: owned("user", account.user)?,
        password: owned("password", account.password)?,
        server: owned("server", account.server)?,
        expires_s: account.expires_s,
        push,
    })
}

/// Gives an account up.
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_unregister(phone: RovePhone, account: u64) -> Status {
    answered(|| {
        registry::find(phone)?.unregister(account);
        Ok(())
    })
}

/// A push service has woken the phone: the account is registered anew at once, so that the call that waits can come
/// (RFC 8599 §4.1.3).
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_woken(phone: RovePhone, account: u64) -> Status {
    answered(|| {
        registry::find(phone)?.woken(account);
        Ok(())
    })
}

/// The host has moved to another network: calls go on from there.
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_network_changed(phone: RovePhone) -> Status {
    answered(|| {
        registry::find(phone)?.network_changed();
        Ok(())
    })
}

/// The platform lets the app use its sound, or no longer; for phones made with `owns_session`.
#[unsafe(no_mangle)]
pub extern "C" fn rove_phone_audio_session_activated(phone: RovePhone, active: bool) -> Status {
    answered(|| {
        registry::find(phone)?.audio_session_activated(active);
        Ok(())
    })
}

/// Writes to somebody outside of any call (RFC 3428).
///
/// # Safety
///
/// Texts are null or end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_send_message(
    phone: RovePhone,
    target: *const c_char,
    text: *const c_char,
) -> Status {
    answered(|| {
        // SAFETY: promised by the caller.
        let (target, text) = unsafe { (pointers::text("target", target)?, pointers::text("text", text)?) };
        registry::find(phone)?.send_message(target, text)
    })
}
