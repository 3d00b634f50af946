//! Numbers: of commands, pairs and results (RFC 6733 §3.1, §4.5, §7.1; 3GPP TS 29.272 §7.2 to §7.4), and of our own
//! pairs, as `signalling/roam/diameter.md` specifies them.

use super::avp::Code;

/// The application S6a and S6d (3GPP TS 29.272 §7.1.8).
pub const S6A: u32 = 16_777_251;
/// What a relay says it speaks: everything.
pub const RELAY: u32 = u32::MAX;

/// What two neighbours can do.
pub const CAPABILITIES_EXCHANGE: u32 = 257;
/// Whether a neighbour is alive.
pub const DEVICE_WATCHDOG: u32 = 280;
pub(crate) const DISCONNECT_PEER: u32 = 282;
pub(crate) const UPDATE_LOCATION: u32 = 316;
pub(crate) const CANCEL_LOCATION: u32 = 317;
pub(crate) const AUTHENTICATION_INFORMATION: u32 = 318;
pub(crate) const INSERT_SUBSCRIBER_DATA: u32 = 319;
pub(crate) const DELETE_SUBSCRIBER_DATA: u32 = 320;
pub(crate) const PURGE_UE: u32 = 321;
pub(crate) const RESET: u32 = 322;

pub(crate) const SUCCESS: u32 = 2_001;
pub(crate) const COMMAND_UNSUPPORTED: u32 = 3_001;
pub(crate) const TOO_BUSY: u32 = 3_004;
pub(crate) const APPLICATION_UNSUPPORTED: u32 = 3_007;
pub(crate) const UNKNOWN_PEER: u32 = 3_010;
pub(crate) const AUTHORIZATION_REJECTED: u32 = 5_003;
pub(crate) const INVALID_AVP_VALUE: u32 = 5_004;
pub(crate) const MISSING_AVP: u32 = 5_005;
pub(crate) const NO_COMMON_APPLICATION: u32 = 5_010;
pub(crate) const UNABLE_TO_COMPLY: u32 = 5_012;
/// 3GPP's own, in Experimental-Result.
pub(crate) const USER_UNKNOWN: u32 = 5_001;
pub(crate) const ROAMING_NOT_ALLOWED: u32 = 5_004;
pub(crate) const UNKNOWN_EPS_SUBSCRIPTION: u32 = 5_420;

pub(crate) const USER_NAME: Code = Code::base(1);
pub(crate) const HOST_IP_ADDRESS: Code = Code::base(257);
pub(crate) const AUTH_APPLICATION_ID: Code = Code::base(258);
pub(crate) const VENDOR_SPECIFIC_APPLICATION_ID: Code = Code::base(260);
pub(crate) const SESSION_ID: Code = Code::base(263);
pub(crate) const ORIGIN_HOST: Code = Code::base(264);
pub(crate) const SUPPORTED_VENDOR_ID: Code = Code::base(265);
pub(crate) const VENDOR_ID: Code = Code::base(266);
/// What became of a request.
pub const RESULT_CODE: Code = Code::base(268);
pub(crate) const PRODUCT_NAME: Code = Code::base(269).optional();
pub(crate) const DISCONNECT_CAUSE: Code = Code::base(273);
pub(crate) const AUTH_SESSION_STATE: Code = Code::base(277);
pub(crate) const DESTINATION_REALM: Code = Code::base(283);
pub(crate) const DESTINATION_HOST: Code = Code::base(293);
pub(crate) const ORIGIN_REALM: Code = Code::base(296);
pub(crate) const EXPERIMENTAL_RESULT: Code = Code::base(297);
pub(crate) const EXPERIMENTAL_RESULT_CODE: Code = Code::base(298);

pub(crate) const CONFIDENTIALITY_KEY: Code = Code::of_3gpp(625);
pub(crate) const INTEGRITY_KEY: Code = Code::of_3gpp(626);
pub(crate) const MSISDN: Code = Code::of_3gpp(701);
pub(crate) const RAT_TYPE: Code = Code::of_3gpp(1_032);
pub(crate) const SUBSCRIPTION_DATA: Code = Code::of_3gpp(1_400);
pub(crate) const ULR_FLAGS: Code = Code::of_3gpp(1_405);
pub(crate) const ULA_FLAGS: Code = Code::of_3gpp(1_406);
pub(crate) const VISITED_PLMN_ID: Code = Code::of_3gpp(1_407);
pub(crate) const REQUESTED_EUTRAN_INFO: Code = Code::of_3gpp(1_408);
pub(crate) const REQUESTED_UTRAN_INFO: Code = Code::of_3gpp(1_409);
pub(crate) const NUMBER_OF_REQUESTED_VECTORS: Code = Code::of_3gpp(1_410);
pub(crate) const RE_SYNCHRONIZATION_INFO: Code = Code::of_3gpp(1_411);
pub(crate) const AUTHENTICATION_INFO: Code = Code::of_3gpp(1_413);
pub(crate) const EUTRAN_VECTOR: Code = Code::of_3gpp(1_414);
pub(crate) const UTRAN_VECTOR: Code = Code::of_3gpp(1_415);
pub(crate) const NETWORK_ACCESS_MODE: Code = Code::of_3gpp(1_417);
pub(crate) const ITEM_NUMBER: Code = Code::of_3gpp(1_419);
pub(crate) const CANCELLATION_TYPE: Code = Code::of_3gpp(1_420);
pub(crate) const DSR_FLAGS: Code = Code::of_3gpp(1_421);
pub(crate) const SUBSCRIBER_STATUS: Code = Code::of_3gpp(1_424);
pub(crate) const RAND: Code = Code::of_3gpp(1_447);
pub(crate) const XRES: Code = Code::of_3gpp(1_448);
pub(crate) const AUTN: Code = Code::of_3gpp(1_449);
pub(crate) const KASME: Code = Code::of_3gpp(1_450);

/// The domain of the visited network.
pub const NETWORK: Code = Code::private(1);
/// Which stay.
pub const GENERATION: Code = Code::private(2);
/// The terminal's host name.
pub const HOST_NAME: Code = Code::private(3);
/// A claim without what stands elsewhere in the message: a group of the four that follow.
pub const BIND: Code = Code::private(4);
/// An address of version 4.
pub const ADDRESS_V4: Code = Code::private(5);
/// An address of version 6.
pub const ADDRESS_V6: Code = Code::private(6);
/// The terminal's word for the claim.
pub const PROOF: Code = Code::private(7);
/// How long a binding is asked for or granted, in seconds.
pub const LEASE: Code = Code::private(8);
/// What is granted, or withdrawn: one bit each.
pub const SERVICES: Code = Code::private(9);
/// Where calls go: a group of the four that follow.
pub const FORWARDING: Code = Code::private(10);
/// All calls.
pub const ALWAYS: Code = Code::private(11);
/// While there is one already.
pub const BUSY: Code = Code::private(12);
/// When nobody answers.
pub const NO_ANSWER: Code = Code::private(13);
/// For so many seconds.
pub const SECONDS: Code = Code::private(14);
/// A challenge for a key pair: a group of the two that follow.
pub const KEY: Code = Code::private(15);
/// What is to be signed.
pub const NONCE: Code = Code::private(16);
/// What verifies it.
pub const PUBLIC_KEY: Code = Code::private(17);
/// Why a question is refused.
pub const CAUSE: Code = Code::private(18);
/// The number of a node: the visited one in questions, the home's in answers and in a reset.
pub const NODE: Code = Code::private(19);
/// The location is not new: the visited node has lost what it knew.
pub const RESTORE: Code = Code::private(20);
