//! Models on disk and on the hub, against a hub that runs in the test.

mod models {
    mod hub_server;
    mod library;
    mod pull;
    mod sample;
    mod unkind_server;
    mod verify;
}
