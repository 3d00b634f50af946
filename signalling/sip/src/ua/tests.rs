mod peer;
mod world;

mod bounds;
mod called;
mod calling;
mod changes;
mod extras;
mod flows;
mod loss;
mod musts;
mod provisional;
mod refusals;
mod timers;
mod transfers;
