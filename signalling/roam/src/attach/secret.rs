//! Sixteen random bytes that admit whoever has them.

use core::fmt;

use rove_base::Entropy;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 128 random bits: the token that DHCP asks for, or the ticket with which a terminal comes back. Wiped when dropped,
/// never printed, compared in the same time whatever differs.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 16]>);

impl Secret {
    /// Takes over what a peer told.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Draws one.
    #[must_use]
    pub fn draw(entropy: &mut Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 16]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Eq for Secret {}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
