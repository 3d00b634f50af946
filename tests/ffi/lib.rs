//! The phone as other languages see it; all of it is in the tests.
