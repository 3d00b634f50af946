//! `rove devices`: what can speak and listen here.

use crate::failure::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    println!("file    --play WAV, --record WAV");
    println!("null    silence, when neither is given");
    for line in rove_phone::sound_devices().map_err(Failure::environment)? {
        println!("{line}");
    }
    Ok(())
}
