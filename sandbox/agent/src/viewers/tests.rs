//! Viewers against rings alone, without a terminal.

use super::*;

const TERMINAL: Uuid = Uuid::nil();
const STALL: Duration = Duration::from_secs(1);

fn ring(bytes: usize) -> Ring {
    let mut ring = Ring::new(1_000_000);
    ring.push(&vec![b'x'; bytes]);
    ring
}

fn serve(viewers: &mut Viewers, ring: &Ring) -> Vec<(ViewerId, u64, usize)> {
    let mut sent = Vec::new();
    let mut note = |frame| {
        if let ToServer::Viewer { viewer, event: ViewerEvent::Output { seq, bytes } } = frame {
            sent.push((viewer, seq, bytes.len()));
        }
    };
    while viewers.serve_next(|_| Some(ring), &mut note) {}
    sent
}

fn settle(viewers: &mut Viewers, now: Instant, exit: Option<ExitState>, end: u64) -> Vec<ViewerEvent> {
    let mut told = Vec::new();
    viewers.settle(now, STALL, |_| Some((end, exit)), &mut |frame| {
        if let ToServer::Viewer { event, .. } = frame {
            told.push(event);
        }
    });
    told
}

#[test]
fn turns_go_round_and_stop_at_each_window() {
    let mut viewers = Viewers::default();
    viewers.attach(1, TERMINAL, 0, 40_000);
    viewers.attach(2, TERMINAL, 0, 20_000);
    let sent = serve(&mut viewers, &ring(100_000));
    let order: Vec<_> = sent.iter().map(|(viewer, ..)| *viewer).collect();
    assert_eq!(order, [2, 1, 2, 1, 1]);
    let of = |id| sent.iter().filter(|(viewer, ..)| *viewer == id).map(|(.., bytes)| bytes).sum::<usize>();
    assert_eq!((of(1), of(2)), (40_000, 20_000));
}

#[test]
fn a_terminal_is_read_for_its_fastest_viewer() {
    let mut viewers = Viewers::default();
    assert_eq!(viewers.allowance(TERMINAL, 500), None);
    viewers.attach(1, TERMINAL, 0, 100);
    viewers.attach(2, TERMINAL, 0, 700);
    assert_eq!(viewers.allowance(TERMINAL, 500), Some(200));
    assert_eq!(viewers.allowance(TERMINAL, 700), Some(0));
    serve(&mut viewers, &ring(700));
    viewers.get(2).expect("there").ack(650);
    assert_eq!(viewers.allowance(TERMINAL, 700), Some(650));
    viewers.get(2).expect("there").ack(9_999_999);
    assert_eq!(viewers.allowance(TERMINAL, 700), Some(700), "nobody has seen what was not sent");
}

#[test]
fn only_a_full_window_without_a_word_is_a_stall() {
    let (mut viewers, begin) = (Viewers::default(), Instant::now());
    viewers.attach(1, TERMINAL, 0, 100);
    serve(&mut viewers, &ring(100));
    assert!(settle(&mut viewers, begin, None, 100).is_empty());
    assert_eq!(viewers.deadline(STALL), Some(begin + STALL));
    viewers.get(1).expect("there").ack(1);
    assert!(settle(&mut viewers, begin + STALL, None, 100).is_empty(), "one byte shown is a sign of life");
    serve(&mut viewers, &ring(101));
    assert!(settle(&mut viewers, begin + STALL, None, 101).is_empty());
    let told = settle(&mut viewers, begin + STALL * 2, None, 101);
    assert_eq!(told, [ViewerEvent::Detached(DetachReason::Stalled)]);
    assert!(viewers.is_empty());
}

#[test]
fn the_end_is_told_once_and_after_the_last_byte() {
    let (mut viewers, now) = (Viewers::default(), Instant::now());
    viewers.attach(1, TERMINAL, 0, 100);
    let exit = Some(ExitState::Code(3));
    assert!(settle(&mut viewers, now, exit, 50).is_empty());
    serve(&mut viewers, &ring(50));
    assert_eq!(settle(&mut viewers, now, exit, 50), [ViewerEvent::Exited(ExitState::Code(3))]);
    assert!(settle(&mut viewers, now, exit, 50).is_empty());
}

#[test]
fn receipts_for_input_come_with_output_or_soon_and_for_much_at_once() {
    let (mut viewers, now) = (Viewers::default(), Instant::now());
    viewers.attach(1, TERMINAL, 0, 100);
    let viewer = viewers.get(1).expect("there");
    viewer.queue_input(10).expect("fits");
    viewer.input_taken(10, now);
    assert!(settle(&mut viewers, now, None, 0).is_empty());
    assert_eq!(settle(&mut viewers, now + REPORT_AFTER, None, 0), [ViewerEvent::InputTaken { total: 10 }]);
    let viewer = viewers.get(1).expect("there");
    viewer.queue_input(5000).expect("fits");
    viewer.input_taken(5000, now);
    assert_eq!(settle(&mut viewers, now, None, 0), [ViewerEvent::InputTaken { total: 5010 }]);
}

#[test]
fn the_input_window_is_counted_by_what_the_terminal_has_not_taken() {
    let mut viewers = Viewers::default();
    viewers.attach(1, TERMINAL, 0, 100);
    let viewer = viewers.get(1).expect("there");
    let window = usize::try_from(INPUT_WINDOW_BYTES).expect("small");
    assert_eq!(viewer.queue_input(window), Ok(()));
    viewer.input_taken(1, Instant::now());
    assert_eq!(viewer.queue_input(1), Ok(()));
    assert_eq!(viewer.queue_input(1), Err(TooMuchInput));
}
