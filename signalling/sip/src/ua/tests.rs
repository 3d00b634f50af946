mod peer;
mod world;

mod asking;
mod bounds;
mod called;
mod calling;
mod changes;
mod duties;
mod extras;
mod flows;
mod loss;
mod provisional;
mod refusals;
mod registering;
mod timers;
mod transfers;
mod watching;
