//! `rove contacts`: who may find us at an IRMV server, while our phone stays registered where it is.

use super::irmv;
use crate::{cli::contacts::Contacts, failure::Failure, stop::Stop};

pub(crate) fn run(args: &Contacts, stop: &Stop) -> Result<(), Failure> {
    let Some(name) = &args.irmv.irmv_as else {
        return Err(Failure::usage("whose contacts? Give --irmv-as user@domain"));
    };
    if args.irmv.irmv_admit.is_empty() && args.irmv.irmv_dismiss.is_empty() {
        return Err(Failure::usage("nothing to do: give --irmv-admit or --irmv-dismiss user@domain"));
    }
    let irmv = irmv::asking(&args.irmv, &args.phone, stop)?;
    irmv::admit(&irmv, &args.irmv, stop)?;
    for (whom, what) in [(&args.irmv.irmv_admit, "may"), (&args.irmv.irmv_dismiss, "may not any more")] {
        whom.iter().for_each(|whom| println!("{whom} {what} find {name}"));
    }
    Ok(())
}
