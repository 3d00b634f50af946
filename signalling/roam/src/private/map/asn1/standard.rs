//! The types of the standard.

use rasn::{
    AsnType, Decode, Decoder, Encode, Encoder,
    types::{Class, Constraints, Identifier, Tag, TagTree},
};

use super::{Any, BitString, Octets, Rest, Skipped};

#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct ExtensionContainer {
    #[rasn(tag(0))]
    pub private_extension_list: Option<Vec<PrivateExtension>>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct PrivateExtension {
    #[rasn(tag(universal, 6))]
    pub ext_id: Octets,
    pub ext_type: Option<Any>,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct SendAuthenticationInfoArg {
    #[rasn(tag(0))]
    pub imsi: Octets,
    pub number_of_requested_vectors: u64,
    #[rasn(tag(universal, 5))]
    pub segmentation_prohibited: Option<Skipped>,
    #[rasn(tag(1))]
    pub immediate_response_preferred: Option<Skipped>,
    pub re_synchronisation_info: Option<ReSynchronisationInfo>,
    #[rasn(tag(2))]
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct ReSynchronisationInfo {
    pub rand: Octets,
    pub auts: Octets,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
#[rasn(tag(3))]
pub(crate) struct SendAuthenticationInfoRes {
    #[rasn(tag(0))]
    pub triplet_list: Option<Skipped>,
    #[rasn(tag(1))]
    pub quintuplet_list: Option<Vec<AuthenticationQuintuplet>>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct AuthenticationQuintuplet {
    pub rand: Octets,
    pub xres: Octets,
    pub ck: Octets,
    pub ik: Octets,
    pub autn: Octets,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct UpdateLocationArg {
    pub imsi: Octets,
    #[rasn(tag(1))]
    pub msc_number: Octets,
    pub vlr_number: Octets,
    #[rasn(tag(10))]
    pub lmsi: Option<Skipped>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

/// UpdateLocationRes, and RestoreDataRes, which has one field more.
#[derive(AsnType, Decode, Encode)]
pub(crate) struct LocationRes {
    pub hlr_number: Octets,
    #[rasn(tag(universal, 5))]
    pub ms_not_reachable: Option<Skipped>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
#[rasn(tag(3))]
pub(crate) struct CancelLocationArg {
    pub identity: Identity,
    #[rasn(tag(universal, 10))]
    pub cancellation_type: Option<u64>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
#[rasn(choice)]
pub(crate) enum Identity {
    Imsi(Octets),
    ImsiWithLmsi(ImsiWithLmsi),
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct ImsiWithLmsi {
    pub imsi: Octets,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
#[rasn(tag(3))]
pub(crate) struct PurgeMsArg {
    pub imsi: Octets,
    #[rasn(tag(0))]
    pub vlr_number: Option<Octets>,
    #[rasn(tag(1))]
    pub sgsn_number: Option<Skipped>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

/// RestoreDataArg and ResetArg: whose data, or whose network.
#[derive(AsnType, Decode, Encode)]
pub(crate) struct SubjectArg {
    pub subject: Octets,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct InsertSubscriberDataArg {
    #[rasn(tag(0))]
    pub imsi: Option<Octets>,
    #[rasn(tag(1))]
    pub msisdn: Option<Octets>,
    #[rasn(tag(2))]
    pub category: Option<Skipped>,
    #[rasn(tag(3))]
    pub subscriber_status: Option<u64>,
    #[rasn(tag(4))]
    pub bearer_service_list: Option<Skipped>,
    #[rasn(tag(6))]
    pub teleservice_list: Option<Skipped>,
    #[rasn(tag(7))]
    pub provisioned_ss: Option<Vec<ExtSsInfo>>,
    #[rasn(tag(8))]
    pub odb_data: Option<OdbData>,
    #[rasn(tag(9))]
    pub roaming_restriction_due_to_unsupported_feature: Option<Skipped>,
    #[rasn(tag(10))]
    pub regional_subscription_data: Option<Skipped>,
    #[rasn(tag(11))]
    pub vbs_subscription_data: Option<Skipped>,
    #[rasn(tag(12))]
    pub vgcs_subscription_data: Option<Skipped>,
    #[rasn(tag(13))]
    pub vlr_camel_subscription_info: Option<Skipped>,
    #[rasn(tag(14))]
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}

/// A choice, by hand so that one which nobody here knows is passed over.
pub(crate) enum ExtSsInfo {
    /// `[0]`
    ForwardingInfo(ExtForwInfo),
    /// `[3]`
    SsData(ExtSsData),
    Other,
}

const FORWARDING_INFO: Tag = Tag::new(Class::Context, 0);
const SS_DATA: Tag = Tag::new(Class::Context, 3);

impl AsnType for ExtSsInfo {
    const TAG: Tag = Tag::EOC;
    const TAG_TREE: TagTree = TagTree::Choice(&[TagTree::Leaf(FORWARDING_INFO), TagTree::Leaf(SS_DATA)]);
}

impl Decode for ExtSsInfo {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        _: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        if let Some(info) = decoder.decode_optional_with_tag(FORWARDING_INFO)? {
            return Ok(Self::ForwardingInfo(info));
        }
        if let Some(data) = decoder.decode_optional_with_tag(SS_DATA)? {
            return Ok(Self::SsData(data));
        }
        decoder.decode_any(Tag::EOC).map(|_| Self::Other)
    }
}

impl Encode for ExtSsInfo {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        encoder: &mut E,
        _: Tag,
        _: &Constraints,
        _: Identifier,
    ) -> Result<(), E::Error> {
        match self {
            Self::ForwardingInfo(info) => info.encode_with_tag(encoder, FORWARDING_INFO),
            Self::SsData(data) => data.encode_with_tag(encoder, SS_DATA),
            Self::Other => Ok(()),
        }
    }
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct ExtForwInfo {
    pub ss_code: Octets,
    pub forwarding_feature_list: Vec<ExtForwFeature>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct ExtForwFeature {
    #[rasn(tag(2))]
    pub ext_bearer_service: Option<Skipped>,
    #[rasn(tag(3))]
    pub ext_teleservice: Option<Skipped>,
    #[rasn(tag(4))]
    pub ss_status: Octets,
    #[rasn(tag(5))]
    pub forwarded_to_number: Option<Octets>,
    #[rasn(tag(8))]
    pub forwarded_to_subaddress: Option<Skipped>,
    #[rasn(tag(6))]
    pub forwarding_options: Option<Skipped>,
    #[rasn(tag(7))]
    pub no_reply_condition_time: Option<u64>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct ExtSsData {
    pub ss_code: Octets,
    #[rasn(tag(4))]
    pub ss_status: Octets,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct OdbData {
    pub odb_general_data: BitString,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct DeleteSubscriberDataArg {
    /// Not optional in the standard.
    #[rasn(tag(0))]
    pub imsi: Option<Octets>,
    #[rasn(tag(1))]
    pub basic_service_list: Option<Skipped>,
    #[rasn(tag(2))]
    pub ss_list: Option<Vec<Octets>>,
    #[rasn(tag(4))]
    pub roaming_restriction_due_to_unsupported_feature: Option<Skipped>,
    #[rasn(tag(5))]
    pub regional_subscription_identifier: Option<Skipped>,
    #[rasn(tag(7))]
    pub vbs_group_indication: Option<Skipped>,
    #[rasn(tag(8))]
    pub vgcs_group_indication: Option<Skipped>,
    #[rasn(tag(9))]
    pub camel_subscription_info_withdraw: Option<Skipped>,
    #[rasn(tag(6))]
    pub extension_container: Option<ExtensionContainer>,
    /// A choice, so that its tag stands around that of what was chosen.
    #[rasn(tag(10))]
    pub gprs_subscription_data_withdraw: Option<Any>,
    pub rest: Rest,
}

/// The parameters of errors (§17.7.7), which have one shape: a reason where roaming is not allowed or a system fails.
#[derive(AsnType, Decode, Encode)]
pub(crate) struct ErrorParam {
    #[rasn(tag(universal, 10))]
    pub reason: Option<u64>,
    pub extension_container: Option<ExtensionContainer>,
    pub rest: Rest,
}
