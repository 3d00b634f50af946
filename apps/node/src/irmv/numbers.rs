//! Whether a number is a user's, by the word of its network.

use rove_base::UnixTime;
use rove_driver::{NotForNumber, NumberAuthorities};
use rove_irmv::NumberProof;
use rove_sip::{
    message::{SyntaxError, Uri},
    passport::{Identity, IdentityError, verify},
};

/// Why a proof is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotProven {
    /// No authorities are configured.
    #[error("[irmv] number_authorities names nobody that is believed for numbers")]
    Nobody,
    /// The certificate does not speak for the number.
    #[error(transparent)]
    Certificate(#[from] NotForNumber),
    /// The word is not its holder's, too old, or about somebody else.
    #[error(transparent)]
    Word(#[from] IdentityError),
    /// A name that SIP cannot say.
    #[error(transparent)]
    Name(#[from] SyntaxError),
}

/// Whether the network that has the number says at this time that it is the user's.
pub(super) fn verified(
    authorities: Option<&NumberAuthorities>,
    proof: &NumberProof,
    wall: UnixTime,
) -> Result<(), NotProven> {
    let key =
        authorities.ok_or(NotProven::Nobody)?.key_for(proof.number.digits(), &proof.certificates, wall)?;
    let number: Uri = format!("tel:{}", proof.number).parse()?;
    let user: Uri = format!("sip:{}", proof.user).parse()?;
    verify(&Identity::parse(&proof.identity)?, &number, &user, &key, wall.as_secs())?;
    Ok(())
}
