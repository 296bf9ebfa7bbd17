//! Programs in a real terminal.

use serde_json::json;

use crate::support::client::problem;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

#[tokio::test]
async fn a_pandas_program_saved_in_the_editor_runs_in_the_terminal() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("data/sales.csv", "city,amount\nOslo,10\nRome,5\nOslo,2\n").await;
    let program =
        "import pandas as pd\nsales = pd.read_csv('data/sales.csv')\nprint(sales.groupby('city').amount.sum())\n";
    session.save("main.py", program).await;
    let mut shell = session.shell().await;
    let (printed, code) = shell.run_within("python main.py", PATIENCE * 2).await;
    assert_eq!(code, 0, "{printed}");
    assert_eq!(printed, "city\nOslo    12\nRome     5\nName: amount, dtype: int64\n");
}

#[tokio::test]
async fn vim_opens_edits_and_saves() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("notes.txt", "first\nsecond\n").await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.line("vim notes.txt").await;
    shell
        .until("vim's screen", PATIENCE, |shell| {
            shell.screen(24, 80).screen().contents().contains("second\n~").then_some(())
        })
        .await;
    assert!(shell.screen(24, 80).screen().alternate_screen());
    shell.type_text("ggOabove\u{1b}Gobelow\u{1b}").await;
    shell
        .until("both lines", PATIENCE, |shell| {
            shell.screen(24, 80).screen().contents().contains("above\nfirst\nsecond\nbelow\n~").then_some(())
        })
        .await;
    shell.type_text(":wq\r").await;
    events.tree("notes.txt", true, PATIENCE).await;
    shell
        .until("the shell again", PATIENCE, |shell| (!shell.screen(24, 80).screen().alternate_screen()).then_some(()))
        .await;
    assert_eq!(shell.run("cat notes.txt").await, ("above\nfirst\nsecond\nbelow\n".into(), 0));
    assert_eq!(session.read("notes.txt").await.unwrap(), b"above\nfirst\nsecond\nbelow\n");
}

#[tokio::test]
async fn python_asks_and_is_answered() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    shell.line("python").await;
    shell.expect("Python 3.11").await;
    shell.expect(">>> ").await;
    shell.line("name = input('Your name? ')").await;
    shell.expect("\r\nYour name? ").await;
    shell.line("Zoë 🦀").await;
    shell.expect(">>> ").await;
    shell.line("print('Hello', name[::-1])").await;
    shell.expect("Hello 🦀 ëoZ\r\n").await;
    shell.type_text("\u{4}").await;
    shell.expect("$ ").await;
}

#[tokio::test]
async fn ctrl_c_stops_a_busy_loop_and_ctrl_d_ends_the_shell() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    shell.line("python -c 'print(\"bu\" + \"sy\", flush=True)\nwhile True: pass'").await;
    shell.expect("busy\r\n").await;
    shell.type_text("\u{3}").await;
    shell.expect("KeyboardInterrupt").await;
    shell.expect("$ ").await;
    assert_eq!(shell.run("true").await.1, 0);
    shell.type_text("\u{4}").await;
    assert_eq!(shell.exit().await["code"], 0);
}

#[tokio::test]
async fn the_size_of_the_window_reaches_stty() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.terminal(&json!({ "cols": 101, "rows": 33 })).await;
    shell.expect("$ ").await;
    assert_eq!(shell.run("stty size").await.0, "33 101\n");
    shell.resize(132, 50).await;
    assert_eq!(shell.control("size").await, json!({ "type": "size", "cols": 132, "rows": 50 }));
    assert_eq!(shell.run("stty size").await.0, "50 132\n");
    // A program that runs is told at once.
    let mut program =
        session.program(&["bash", "-c", "trap 'stty size' WINCH; echo on; while :; do sleep 0.1; done"]).await;
    program.expect("on\r\n").await;
    program.resize(44, 11).await;
    program.expect("11 44\r\n").await;
}

#[tokio::test]
async fn colours_and_wide_characters_arrive_unharmed() {
    let session = Server::shared().await.user().await.ready_session().await;
    // More than one chunk, so that characters are cut in two on the way.
    let program = "import sys\nfor n in range(3000): print(f'\\x1b[38;2;{n%256};10;200m{n} 漢字 ẞ 👩‍🔬 é\\x1b[0m')\n";
    session.save("colours.py", program).await;
    let mut terminal = session.program(&["python3", "colours.py"]).await;
    assert_eq!(terminal.exit().await["code"], 0);
    let line = |n: u32| format!("\u{1b}[38;2;{};10;200m{n} 漢字 ẞ 👩‍🔬 é\u{1b}[0m\r\n", n % 256);
    assert_eq!(String::from_utf8(terminal.bytes.clone()).unwrap(), (0..3000).map(line).collect::<String>());
    let parser = terminal.screen(24, 80);
    let cell = parser.screen().cell(22, 0).unwrap();
    assert_eq!((cell.contents(), cell.fgcolor()), ("2", vt100::Color::Rgb(183, 10, 200)));
    assert!(parser.screen().cell(22, 5).unwrap().is_wide());
    let shell = session.shell().await;
    assert!(shell.text().contains("\u{1b}[") && shell.text().contains("32m"), "a green prompt: {:?}", shell.text());
}

#[tokio::test]
async fn exit_3_is_shown() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.line("exit 3").await;
    assert_eq!(shell.exit().await, json!({ "type": "exit", "code": 3, "signal": null }));
    let exited = |message: &serde_json::Value| {
        message["type"] == "terminals" && message["items"][0]["exit"] == json!({ "code": 3 })
    };
    events.until("terminals notice", PATIENCE, exited).await;
    assert_eq!(session.terminals().await[0]["exit"], json!({ "code": 3 }));

    let mut killed = session.program(&["bash", "-c", "kill -KILL $$"]).await;
    assert_eq!(killed.exit().await, json!({ "type": "exit", "code": null, "signal": 9 }));
    let missing = session.post("/terminals", &json!({ "cols": 80, "rows": 24, "command": ["no-such-program"] })).await;
    assert_eq!(problem(missing).await, (422, "invalid_command".into()));
    let nowhere = session.post("/terminals", &json!({ "cols": 80, "rows": 24, "cwd": "no/such/folder" })).await;
    assert_eq!(problem(nowhere).await, (422, "invalid_command".into()));
}

#[tokio::test]
async fn terminals_opened_together_are_no_more_than_configured() {
    let server = Server::start_with(&[("CARREL_TERMINAL__MAX_TERMINALS", "2")]).await;
    let session = server.user().await.ready_session().await;
    let new = json!({ "cols": 80, "rows": 24 });
    let answers = futures_util::future::join_all((0..8).map(|_| session.post("/terminals", &new))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 429, 429, 429, 429, 429, 429]);
    assert_eq!(session.terminals().await.len(), 2);
}

#[tokio::test]
async fn several_terminals_have_names_and_folders_of_their_own() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("src/deep/a.py", "").await;
    let mut here = session
        .terminal(&json!({ "cols": 80, "rows": 24, "name": "tests", "cwd": "src/deep", "command": "pwd" }))
        .await;
    assert_eq!(here.hello["name"], "tests");
    here.exit().await;
    assert_eq!(here.text(), "/workspace/src/deep\r\n");
    let mut other = session.shell().await;
    assert_eq!(other.run("pwd; whoami; echo $TERM $HOME").await.0, "/workspace\ncarrel\nxterm-256color /home/carrel\n");
    let names: Vec<_> = session.terminals().await.iter().map(|terminal| terminal["name"].clone()).collect();
    assert_eq!(names, ["tests", "Terminal 1"]);

    let path = session.path(&format!("/terminals/{}", other.id));
    let closed = session.client.request(reqwest::Method::DELETE, &path).send().await.unwrap();
    assert_eq!(closed.status(), 204);
    assert_eq!(other.close_code(PATIENCE).await, Some(1000));
    assert_eq!(session.terminals().await.len(), 1);
}
