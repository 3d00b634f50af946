mod flows;
mod forks;
mod registrations;
mod rules;
mod streams;
mod world;
