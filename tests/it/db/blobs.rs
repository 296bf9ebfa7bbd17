//! Contents.

use bytes::Bytes;
use carrel::db::{Client, DbError, blobs};
use carrel::model::ContentHash;

use crate::support::postgres;

#[tokio::test]
async fn contents_come_back_byte_by_byte() {
    let db = postgres::db().await;
    let client = db.bulk().await.unwrap();
    let noise: Vec<u8> = (0..3_000_000_u64).map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[0]).collect();
    let contents = [Bytes::new(), Bytes::from_static(b"print(1)\n"), vec![0; 20_000_000].into(), noise.into()];
    let mut encoded = Vec::new();
    for content in &contents {
        encoded.push(blobs::encode(content.clone()).await.unwrap());
    }
    encoded.push(encoded[1].clone());
    blobs::put_many(&client, &encoded).await.unwrap();
    blobs::put_many(&client, &encoded).await.unwrap();
    let hashes: Vec<ContentHash> = contents.iter().map(|content| ContentHash::of(content)).collect();
    for (hash, content) in hashes.iter().zip(&contents) {
        assert!(blobs::get(&client, *hash).await.unwrap().as_ref() == Some(content), "{hash}");
    }
    let unknown = ContentHash::of(b"unknown");
    let all = blobs::get_many(&client, &[&hashes[..], &[unknown]].concat()).await.unwrap();
    assert!(all.len() == 4 && all[&hashes[3]] == contents[3]);
    assert_eq!(blobs::get(&client, unknown).await.unwrap(), None);
}

#[tokio::test]
async fn a_content_that_was_tampered_with_is_corrupt_never_given_out() {
    let db = postgres::db().await;
    let client = db.bulk().await.unwrap();
    let good = blobs::encode(Bytes::from_static(b"good")).await.unwrap();
    let evil = blobs::encode(Bytes::from_static(b"evil")).await.unwrap();
    blobs::put_many(&client, std::slice::from_ref(&good)).await.unwrap();
    for encoded in [evil.encoded.as_slice(), b"no zstd", b""] {
        client.execute("update blobs set encoded = $1", &[&encoded]).await.unwrap();
        let refused = blobs::get(&client, good.hash).await.unwrap_err();
        assert!(matches!(refused, DbError::Corrupt(_)), "{refused:?}");
        assert!(matches!(blobs::get_many(&client, &[good.hash]).await, Err(DbError::Corrupt(_))));
    }
}

#[tokio::test]
async fn batches_with_the_same_contents_in_any_order_do_not_deadlock() {
    let db = postgres::db().await;
    let mut encoded = Vec::new();
    for number in 0..500_u32 {
        encoded.push(blobs::encode(Bytes::copy_from_slice(&number.to_le_bytes())).await.unwrap());
    }
    let mut backwards = encoded.clone();
    backwards.reverse();
    let putting = [&encoded, &backwards, &encoded, &backwards].map(|blobs| async {
        let mut client = db.interactive().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        blobs::put_many(&transaction, blobs).await.unwrap();
        transaction.commit().await.unwrap();
    });
    futures_util::future::join_all(putting).await;
}
