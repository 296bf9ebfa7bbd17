//! Registering, signing in and out, and being kept from guessing.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::server::{PASSWORD, TestServer, problem};

fn account(username: &str, email: &str, password: &str) -> Value {
    json!({ "username": username, "email": email, "password": password })
}

#[tokio::test]
async fn a_user_registers_signs_out_and_in_by_name_or_address_in_any_case() {
    let server = TestServer::start().await;
    let ada = server.user("Ada").await;
    let me: Value = ada.get("/api/v1/me").await.json().await.unwrap();
    assert_eq!((&me["username"], &me["display_name"], &me["role"]), (&json!("Ada"), &json!("Ada"), &json!("user")));
    let first = ada.cookie();
    assert_eq!(ada.post("/api/v1/auth/logout", &json!({})).await.status(), 204);
    assert_eq!(problem(ada.get("/api/v1/me").await).await, "unauthenticated");
    assert_eq!(ada.cookie(), None, "the browser has forgotten it");
    for login in ["ada", "ADA", "ada@EXAMPLE.org"] {
        let answer = ada.post("/api/v1/auth/login", &json!({ "login": login, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 200, "{login}");
        assert_eq!(ada.get("/api/v1/me").await.status(), 200);
    }
    assert_ne!(ada.cookie(), first, "a new login has a new token");
    // The token from before the sign-out is worth nothing, whoever has kept it.
    let thief = server.browser();
    let stolen = thief.request(reqwest::Method::GET, "/api/v1/me").header("cookie", first.unwrap());
    assert_eq!(problem(stolen.send().await.unwrap()).await, "unauthenticated");
}

#[tokio::test]
async fn a_registration_is_refused_with_the_reason() {
    let server = TestServer::start().await;
    server.user("ada").await;
    let browser = server.browser();
    for (body, status, code) in [
        (account("ADA", "other@example.org", PASSWORD), 409, "username_taken"),
        (account("other", "ADA@example.org", PASSWORD), 409, "email_taken"),
        (account("a", "a@example.org", PASSWORD), 422, "invalid_username"),
        (account("bob", "bob", PASSWORD), 422, "invalid_email"),
        (account("bob", "b@example.org", "short"), 422, "password_too_short"),
        (account("bob", "b@example.org", &"x".repeat(73)), 422, "password_too_long"),
        (account("bob", "b@example.org", &"é".repeat(37)), 422, "password_too_long"),
        (account("bob", "b@example.org", "a\0bcdefgh"), 422, "invalid_password"),
        (json!({ "username": "bob" }), 400, "invalid_json"),
    ] {
        let answer = browser.post("/api/v1/auth/register", &body).await;
        assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (status, code), "{body}");
    }
    let longest = "x".repeat(72);
    assert_eq!(browser.post("/api/v1/auth/register", &account("bob", "b@x", &longest)).await.status(), 201);
    for (password, status) in [(&longest[..], 200), (&longest[..71], 401)] {
        let answer = browser.post("/api/v1/auth/login", &json!({ "login": "bob", "password": password })).await;
        assert_eq!(answer.status(), status, "all 72 bytes count");
    }
    let answer = browser.post("/api/v1/auth/login", &json!({ "login": "bob", "password": "x".repeat(73) })).await;
    assert_eq!(problem(answer).await, "password_too_long", "refused, not truncated");
}

#[tokio::test]
async fn an_unknown_user_looks_and_takes_as_long_as_a_wrong_password() {
    let server = TestServer::start_with(|config| config.auth.bcrypt_cost = 10).await;
    server.user("ada").await;
    let browser = server.browser();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        for (login, times) in [("ada", &mut known), ("nobody", &mut unknown)] {
            let begun = Instant::now();
            let answer =
                browser.post("/api/v1/auth/login", &json!({ "login": login, "password": "wrong password" })).await;
            times.push(begun.elapsed());
            assert_eq!(problem(answer).await, "wrong_credentials");
        }
    }
    known.sort();
    unknown.sort();
    let ratio = known[2].as_secs_f64() / unknown[2].as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{known:?} {unknown:?}");
}

#[tokio::test]
async fn guessing_is_limited_by_account_and_others_are_not_affected() {
    let server = TestServer::start_with(|config| config.auth.attempts_per_account = 3).await;
    server.user("ada").await;
    let browser = server.browser();
    let attempt = async |login: &str| {
        let answer = browser.post("/api/v1/auth/login", &json!({ "login": login, "password": "wrong password" })).await;
        let pause = answer.headers().get("retry-after").map(|pause| pause.to_str().unwrap().parse::<u64>().unwrap());
        (problem(answer).await, pause)
    };
    for login in ["ada", "Ada", " ADA "] {
        assert_eq!(attempt(login).await, ("wrong_credentials".into(), None));
    }
    let (code, pause) = attempt("ada").await;
    assert_eq!(code, "too_many_requests");
    assert!((1..=60).contains(&pause.unwrap()), "{pause:?}");
    assert_eq!(attempt("bob").await.0, "wrong_credentials");
}

#[tokio::test]
async fn guessing_is_limited_by_address() {
    let server = TestServer::start_with(|config| config.auth.attempts_per_address = 2).await;
    let browser = server.browser();
    let mut codes = Vec::new();
    for name in ["a1", "a2", "a3"] {
        let answer = browser.post("/api/v1/auth/login", &json!({ "login": name, "password": "wrong password" })).await;
        codes.push(problem(answer).await);
    }
    assert_eq!(codes, ["wrong_credentials", "wrong_credentials", "too_many_requests"]);
}

#[tokio::test]
async fn a_flood_of_passwords_gets_429_and_other_requests_are_quick_meanwhile() {
    let server = TestServer::start_with(|config| {
        config.auth.bcrypt_cost = 11;
        config.auth.bcrypt_waiting_line = 2;
    })
    .await;
    let browser = server.browser();
    let guess = |n: usize| {
        let request = browser.request(reqwest::Method::POST, "/api/v1/auth/login");
        request.json(&json!({ "login": format!("user{n}"), "password": "wrong password" })).send()
    };
    let flood = futures_util::future::join_all((0..12).map(guess));
    let health = async {
        let mut slowest = std::time::Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            assert_eq!(browser.get("/healthz").await.status(), 200);
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(flood, health);
    let statuses: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    assert!(statuses.contains(&429) && statuses.contains(&401), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 401).count() <= 6, "{statuses:?}");
    assert!(slowest.as_millis() < 1000, "{slowest:?}");
}

#[tokio::test]
async fn registration_can_be_closed() {
    let server = TestServer::start_with(|config| config.auth.registration = false).await;
    let answer = server.browser().post("/api/v1/auth/register", &account("ada", "a@b", PASSWORD)).await;
    assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (403, "registration_closed"));
}

#[tokio::test]
async fn under_tls_the_cookie_is_secure_and_the_public_origin_counts() {
    let server =
        TestServer::start_with(|config| config.server.public_url = Some("https://carrel.example.org".into())).await;
    let register = |origin: &'static str| {
        let request = reqwest::Client::new().post(format!("{}/api/v1/auth/register", server.url));
        request.header("origin", origin).json(&account("ada", "a@b", PASSWORD)).send()
    };
    let answer = register("http://carrel.example.org").await.unwrap();
    assert_eq!(problem(answer).await, "forbidden_origin");
    let answer = register("https://carrel.example.org").await.unwrap();
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-carrel_login="), "{cookie}");
    for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(answer.headers().contains_key("strict-transport-security"));
}
