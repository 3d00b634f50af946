mod flows;
mod forks;
mod load;
mod oversize;
mod registrations;
mod rules;
mod streams;
mod world;
