use super::{Care, Stretcher};

#[test]
fn a_constant_can_be_shortened_and_lengthened() {
    let mut stretcher = Stretcher::new(48_000);
    let mut pcm = vec![0.25_f32; 8_000];
    let cut = stretcher.shorten(&mut pcm, 4_000, 1_000, 960, Care::Inaudible).unwrap();
    assert!(cut.samples > 0 && pcm.iter().take(4_000 - cut.samples).all(|x| *x == 0.25));
    let put = stretcher.lengthen(&mut pcm, 3_000, 2_500, 960, Care::Inaudible).unwrap();
    assert!(put.samples > 0 && pcm.iter().take(3_000 + put.samples).all(|x| *x == 0.25));
}
