use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::Connection;
use super::frame::{self, Frame};
use super::headers::{Reader, Writer};

#[test]
fn headers_come_through_one_compression_for_all_blocks() {
    let (mut writer, mut reader) = (Writer::new().unwrap(), Reader::new());
    let long = "x".repeat(20_000);
    for value in ["data", "error", &long, "data"] {
        let block = writer.write(&[("streamtype", value), ("port", "8080")]).unwrap();
        let headers = reader.read(&block).unwrap();
        assert_eq!((headers["streamtype"].as_str(), headers["port"].as_str()), (value, "8080"));
    }
    assert!(reader.read(b"no zlib at all").is_err());
}

/// Opening frames as kubectl 1.36 sent them for a port-forward: stream 1 (error) and 3 (data) of request 0 to port 8080.
#[tokio::test]
async fn a_stream_is_opened_answered_and_closed() {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let mut connection = Connection::serve(Box::new(server));
    let mut blocks = Writer::new().unwrap();
    let open = |stream: u32, block: Vec<u8>| {
        let body = [stream.to_be_bytes().to_vec(), vec![0; 6], block].concat();
        frame::control(frame::SYN_STREAM, 0, &body)
    };
    let block = blocks.write(&[("streamtype", "data"), ("port", "8080"), ("requestid", "0")]).unwrap();
    client.write_all(&open(1, block)).await.unwrap();
    client.write_all(&frame::control(9, 0, &[0, 0, 0, 1, 0, 1, 0, 0])).await.unwrap();
    client.write_all(&frame::control(frame::PING, 0, &7u32.to_be_bytes())).await.unwrap();
    client.write_all(&frame::data(1, false, 5)).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    client.write_all(&frame::data(1, true, 0)).await.unwrap();
    let mut stream = connection.accept().await.unwrap();
    assert_eq!((stream.header("streamtype"), stream.header("port")), ("data", "8080"));
    assert_eq!(stream.receive().await.unwrap(), "hello");
    assert_eq!(stream.receive().await, None);
    stream.send(b"world".to_vec()).await;
    stream.finish().await;
    let mut replies = Reader::new();
    match frame::read(&mut client).await.unwrap().unwrap() {
        Frame::Other { block: Some(block) } => assert!(replies.read(&block).unwrap().is_empty()),
        other => panic!("{other:?}"),
    }
    assert_eq!(frame::read(&mut client).await.unwrap().unwrap(), Frame::Ping { id: 7 });
    let data = |fin: bool, data: &'static str| Frame::Data { stream: 1, fin, data: data.into() };
    assert_eq!(frame::read(&mut client).await.unwrap().unwrap(), data(false, "world"));
    assert_eq!(frame::read(&mut client).await.unwrap().unwrap(), data(true, ""));
    client.write_all(&frame::control(frame::GOAWAY, 0, &[0; 8])).await.unwrap();
    let block = blocks.write(&[("streamtype", "late")]).unwrap();
    client.write_all(&open(3, block)).await.unwrap();
    let mut reset = [0; 16];
    client.read_exact(&mut reset).await.unwrap();
    assert_eq!(reset, [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 1]);
    assert!(connection.accept().await.is_none());
}

#[tokio::test]
async fn a_broken_frame_ends_the_connection() {
    let (mut client, server) = tokio::io::duplex(1024);
    let mut connection = Connection::serve(Box::new(server));
    client.write_all(&[0x80, 2, 0, 1, 0, 0, 0, 0]).await.unwrap();
    assert!(connection.accept().await.is_none());
}
