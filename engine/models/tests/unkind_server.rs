//! Pulling from hubs that are wrong, hostile or not there.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use residue_engine_testing::{CONFIG, HubFault, HubServer, PullFixture, quiet, sha256, single};
use residue_models::ModelsError;

fn pull(place: &PullFixture) -> ModelsError {
    place.library().pull("nano", None, &mut quiet()).unwrap_err()
}

#[test]
fn damaged_bytes_are_deleted() {
    let files = single(1000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let mut damaged = files[1].1.clone();
    damaged[500] ^= 1;
    server.state().stored.insert("model.safetensors".to_owned(), damaged.clone());
    match pull(&place) {
        ModelsError::Hash { expected, found, .. } => {
            assert_eq!((expected, found), (sha256(&files[1].1), sha256(&damaged)));
        }
        other => panic!("{other}"),
    }
    let blob = place.blob(&sha256(&files[1].1));
    assert!(!blob.exists() && !blob.with_extension("part").exists());
    assert!(place.library().locate("nano").is_err());

    server.state().stored.clear();
    place.library().pull("nano", None, &mut quiet()).unwrap();
}

#[test]
fn another_size_than_announced_is_refused() {
    let files = single(1000);
    let server = HubServer::start(files.clone());
    let longer = [&files[1].1[..], b"more"].concat();
    for (content, ignore_range) in [(longer, false), (files[1].1[..900].to_vec(), true)] {
        let found = content.len() as u64;
        server.state().stored.insert("model.safetensors".to_owned(), content);
        server.state().ignore_range = ignore_range;
        let place = PullFixture::new(&server);
        match pull(&place) {
            ModelsError::Size { expected, found: size, .. } => {
                assert_eq!((expected, size), (files[1].1.len() as u64, found));
            }
            other => panic!("{other}"),
        }
        assert!(!place.blob(&sha256(&files[1].1)).exists());
    }
}

#[test]
fn a_server_without_ranges_starts_again() {
    let files = single(100_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    server.state().ignore_range = true;
    server.state().mishaps.push_back(HubFault::Close(30_000));
    assert!(matches!(pull(&place), ModelsError::Interrupted { .. }));
    let folder = place.library().pull("nano", None, &mut quiet()).unwrap().folder;
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files[1].1);
}

#[test]
fn a_repository_that_is_not_there_or_holds_no_model() {
    let server = HubServer::start(single(10));
    let place = PullFixture::new(&server);
    let error = place.library().pull("v2", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("MOSS-Audio-Tokenizer-v2"), "{error}");

    for (missing, files) in [
        ("config.json", vec![("model.safetensors", vec![])]),
        ("model.safetensors", vec![("config.json", CONFIG.into())]),
    ] {
        let place = PullFixture::new(&HubServer::start(files));
        match pull(&place) {
            ModelsError::NoModelInRepository { missing: found, .. } => assert_eq!(found, missing),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn an_index_cannot_name_files_elsewhere() {
    for shard in ["../evil.safetensors", "/tmp/evil.safetensors", "a/evil.safetensors"] {
        let index = format!(r#"{{"weight_map":{{"a":"{shard}"}}}}"#);
        let server = HubServer::start(vec![
            ("config.json", CONFIG.into()),
            ("model.safetensors.index.json", index.into()),
            (shard, vec![1; 10]),
        ]);
        let error = pull(&PullFixture::new(&server));
        assert!(matches!(error, ModelsError::Index { .. }), "{error}");
        assert!(error.to_string().contains(shard), "{error}");
        assert!(server.downloads().is_empty());
    }
}

#[test]
fn an_etag_cannot_name_a_file_elsewhere() {
    let server = HubServer::start(single(10));
    for etag in ["../../../evil", "a/b", ""] {
        server.state().etag = Some(etag.to_owned());
        let error = pull(&PullFixture::new(&server));
        assert!(matches!(error, ModelsError::Answer { .. }), "{etag}: {error}");
    }
}

#[test]
fn no_server_at_the_address() {
    let server = HubServer::start(vec![]);
    let mut place = PullFixture::new(&server);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    place.settings.endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = pull(&place);
    assert!(matches!(error, ModelsError::Network { .. }), "{error}");

    for nonsense in ["nonsense", "", "http://", "http://a b"] {
        place.settings.endpoint = Some(nonsense.to_owned());
        let error = pull(&place);
        assert!(
            matches!(error, ModelsError::Settings { .. } | ModelsError::Network { .. }),
            "{nonsense}: {error}"
        );
    }
    place.settings.token = Some("line\nbreak".to_owned());
    place.settings.endpoint = Some(server.endpoint());
    let error = pull(&place);
    assert!(matches!(error, ModelsError::Settings { .. }), "{error}");
    assert!(!error.to_string().contains("break"), "{error}");
}

/// A server that gives the same answer to everything except the listing.
fn same_answer(listing: &str, answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listing = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{listing}", listing.len());
    let answer = answer.to_owned();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            for line in lines.map_while(Result::ok) {
                if line.is_empty() {
                    break;
                }
            }
            let text = if first.contains("/api/") { &listing } else { &answer };
            // A client that has seen enough may be gone.
            let _ = stream.write_all(text.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn senseless_answers_are_errors() {
    let listing = format!(
        r#"{{"sha":"{}","siblings":[{{"rfilename":"config.json"}},{{"rfilename":"model.safetensors"}}]}}"#,
        "a".repeat(40)
    );
    let mut place = PullFixture::new(&HubServer::start(vec![]));
    for answer in [
        "",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 302 Found\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: //\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: \u{e9}\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    ] {
        place.settings.endpoint = Some(same_answer(&listing, answer));
        let error = pull(&place);
        assert!(
            matches!(
                error,
                ModelsError::Answer { .. }
                    | ModelsError::Network { .. }
                    | ModelsError::Status { .. }
                    | ModelsError::Interrupted { .. }
            ),
            "{answer:?}: {error}"
        );
    }
    for listing in
        ["", "[]", "{}", r#"{"sha":"../..","siblings":[]}"#, r#"{"sha":"","siblings":[]}"#]
    {
        place.settings.endpoint = Some(same_answer(listing, ""));
        let error = pull(&place);
        assert!(matches!(error, ModelsError::Answer { .. }), "{listing}: {error}");
    }
    assert!(!place.settings.cache.exists(), "nothing was written");
}

/// A server whose answer to everything never ends: `block` after `block`, with a pause between.
fn endless_answer(block: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while sent.is_ok() {
                thread::sleep(pause);
                sent = stream.write_all(&block);
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn a_listing_is_bounded_in_bytes() {
    let mut place = PullFixture::new(&HubServer::start(vec![]));
    place.settings.endpoint = Some(endless_answer(vec![b' '; 1 << 16], Duration::ZERO));
    let error = pull(&place);
    assert!(matches!(error, ModelsError::Answer { .. }), "{error}");
    assert!(error.to_string().contains("more than 2097152 bytes"), "{error}");
}

/// Each byte comes in time, and the whole never does.
#[test]
fn a_listing_is_bounded_in_time() {
    let mut place = PullFixture::new(&HubServer::start(vec![]));
    place.settings.patience = Duration::from_millis(250);
    place.settings.endpoint = Some(endless_answer(vec![b' '], Duration::from_millis(20)));
    let start = Instant::now();
    let error = pull(&place);
    assert!(matches!(error, ModelsError::Network { .. }), "{error}");
    let taken = start.elapsed();
    assert!(taken >= Duration::from_millis(900), "{taken:?}: it was not the limit of one step");
    assert!(taken < Duration::from_secs(20), "{taken:?}");
}

#[test]
fn a_cache_that_cannot_be_written() {
    let server = HubServer::start(single(10));
    let place = PullFixture::new(&server);
    fs::write(&place.settings.cache, "a file where the cache should be").unwrap();
    let error = pull(&place);
    assert!(matches!(error, ModelsError::Io { .. } | ModelsError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("hub"), "{error}");
}
