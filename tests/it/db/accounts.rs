//! Users and logins.

use carrel::accounts::Accounts;
use carrel::config::AuthConfig;
use carrel::db::{Client, DbError, logins, users};
use carrel::model::{LoginId, Role, UserId};
use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

use crate::support::postgres;

#[tokio::test]
async fn names_and_addresses_are_unique_without_regard_to_case() {
    let db = postgres::db().await;
    let ada = postgres::user(&db, "Ada").await;
    let client = db.interactive().await.unwrap();
    let another = |username: &str, email: &str| users::NewUser {
        id: UserId::new(),
        username: username.into(),
        email: email.into(),
        password_hash: "hash".into(),
        display_name: "x".into(),
        role: Role::Admin,
    };
    let refused = users::insert(&client, &another("aDA", "other@example.org")).await.unwrap_err();
    assert!(refused.is_conflict(users::USERNAME_KEY), "{refused:?}");
    let refused = users::insert(&client, &another("bob", "ADA@EXAMPLE.ORG")).await.unwrap_err();
    assert!(refused.is_conflict(users::EMAIL_KEY), "{refused:?}");
    for login in ["ada", "ADA", "ada@Example.org"] {
        let (found, hash) = users::by_login(&client, login).await.unwrap().unwrap();
        assert_eq!((found, hash.as_str()), (ada.clone(), "hash"));
    }
    for stranger in ["nobody", "", "ada\0", "%", "ada@example.org\u{301}"] {
        assert_eq!(users::by_login(&client, stranger).await.unwrap(), None, "{stranger:?}");
    }
}

fn login(user: UserId, token: u8, lasts: Duration) -> logins::NewLogin {
    logins::NewLogin {
        id: LoginId::new(),
        user,
        token_hash: [token; 32],
        expires_at: OffsetDateTime::now_utc() + lasts,
        user_agent: "test".into(),
        address: "127.0.0.1".into(),
    }
}

#[tokio::test]
async fn a_login_is_found_by_its_token_until_it_ends() {
    let db = postgres::db().await;
    let (ada, bob) = (postgres::user(&db, "ada").await, postgres::user(&db, "bob").await);
    let client = db.interactive().await.unwrap();
    let first = login(ada.id, 1, Duration::days(30));
    let second = login(ada.id, 2, Duration::days(30));
    let third = login(ada.id, 3, Duration::days(30));
    let bobs = login(bob.id, 4, Duration::days(30));
    for login in [&first, &second, &third, &bobs] {
        logins::insert(&client, login).await.unwrap();
    }
    assert_eq!(logins::by_token_hash(&client, &[1; 32]).await.unwrap(), Some((first.id, ada.clone())));
    assert_eq!(logins::by_token_hash(&client, &[9; 32]).await.unwrap(), None);
    assert!(logins::delete(&client, first.id).await.unwrap());
    assert!(!logins::delete(&client, first.id).await.unwrap());
    assert_eq!(logins::by_token_hash(&client, &[1; 32]).await.unwrap(), None);
    assert!(logins::by_token_hash(&client, &[3; 32]).await.unwrap().is_some());
    assert!(logins::by_token_hash(&client, &[4; 32]).await.unwrap().is_some());
    let past = login(ada.id, 5, Duration::seconds(-1));
    assert!(matches!(logins::insert(&client, &past).await, Err(DbError::Conflict(_))));
}

#[tokio::test]
async fn who_listens_learns_that_a_login_has_expired_or_was_ended_by_another_server() {
    let db = postgres::db().await;
    let ada = postgres::user(&db, "ada").await;
    let client = db.interactive().await.unwrap();
    let [stays, expires, ends] = [1, 2, 3].map(|token| login(ada.id, token, Duration::days(30)));
    for login in [&stays, &expires, &ends] {
        logins::insert(&client, login).await.unwrap();
    }
    let [here, there] = [0, 1].map(|_| Accounts::new(db.clone(), &AuthConfig::default()));
    let [mut stayed, mut expired, mut ended] = [stays.id, expires.id, ends.id].map(|login| here.listen(login));
    assert_eq!(here.tell_ended().await.unwrap(), 0);
    there.logout(ends.id).await.unwrap();
    client.execute("update logins set expires_at = now() where id = $1", &[&expires.id.0]).await.unwrap();
    assert_eq!(here.tell_ended().await.unwrap(), 2);
    expired.ended().await;
    ended.ended().await;
    assert!(stayed.ended().now_or_never().is_none());
}

#[tokio::test]
async fn using_a_login_puts_its_end_off_at_most_once_a_minute() {
    let db = postgres::db().await;
    let ada = postgres::user(&db, "ada").await;
    let client = db.interactive().await.unwrap();
    logins::insert(&client, &login(ada.id, 1, Duration::days(30))).await.unwrap();
    let days = async || -> f64 {
        let sql = "select (extract(epoch from expires_at - now()) / 86400)::float8 from logins";
        client.query_one(sql, &[]).await.unwrap().try_get(0).unwrap()
    };
    let set = "update logins set last_seen_at = now() - interval '30 s', expires_at = now() + interval '5 days'";
    client.execute(set, &[]).await.unwrap();
    logins::by_token_hash(&client, &[1; 32]).await.unwrap().unwrap();
    assert!(days().await < 5.1);
    client.execute("update logins set last_seen_at = now() - interval '61 s'", &[]).await.unwrap();
    logins::by_token_hash(&client, &[1; 32]).await.unwrap().unwrap();
    assert!(days().await > 29.9);
    client.execute("update logins set expires_at = now() - interval '1 s'", &[]).await.unwrap();
    assert_eq!(logins::by_token_hash(&client, &[1; 32]).await.unwrap(), None);
    assert_eq!(logins::delete_expired(&client).await.unwrap(), 1);
}
