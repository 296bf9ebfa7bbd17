//! Asking whether it is over at every match: one pattern may match nothing at every place of a long line, each time after looking at all the
//! rest of it.

/// Matches after which it is asked: a clock takes as long as some of them.
const EVERY: u32 = 16;

/// Whether it is over, and was.
pub(crate) struct Often<'a> {
    is_over: &'a dyn Fn() -> bool,
    count: u32,
    over: bool,
}

impl<'a> Often<'a> {
    pub(crate) fn new(is_over: &'a dyn Fn() -> bool) -> Self {
        Self { is_over, count: 0, over: false }
    }

    /// Asked at every match.
    pub(crate) fn is(&mut self) -> bool {
        self.count += 1;
        if self.count.is_multiple_of(EVERY) && (self.is_over)() {
            self.over = true;
        }
        self.over
    }

    /// Whether it has been over when it was asked.
    pub(crate) fn was(&self) -> bool {
        self.over
    }
}
