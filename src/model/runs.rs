//! Much work in runs that fit into memory.

/// How much one run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Things in it.
    pub items: usize,
    /// What they weigh together; what is heavier than that is in a run by itself.
    pub weight: u64,
}

impl Run {
    /// Cuts `all` into runs, in their order.
    pub fn cut<T>(self, all: impl IntoIterator<Item = T>, weight: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
        let mut runs: Vec<Vec<T>> = Vec::new();
        // After what is too heavy for any run there is none, not even for what weighs nothing.
        let mut room: Option<u64> = None;
        for item in all {
            let weight = weight(&item);
            match (runs.last_mut(), room.and_then(|room| room.checked_sub(weight))) {
                (Some(run), Some(left)) if run.len() < self.items => {
                    room = Some(left);
                    run.push(item);
                }
                _ => {
                    room = self.weight.checked_sub(weight);
                    runs.push(vec![item]);
                }
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_too_heavy_is_by_itself_and_the_rest_shares() {
        let run = Run { items: 3, weight: 10 };
        let cut = run.cut([11, 0, 10, 0, 9, 1, 0, 0, 5, 4, 2], |weight| *weight);
        assert_eq!(cut, [vec![11], vec![0, 10, 0], vec![9, 1, 0], vec![0, 5, 4], vec![2]]);
        assert!(run.cut([0_u64; 0], |weight| *weight).is_empty());
    }

    proptest! {
        #[test]
        fn everything_is_in_one_run_in_order_and_within_bounds(
            weights in prop::collection::vec(prop_oneof![0..20_u64, Just(u64::MAX)], 0..400),
            items in 1..9_usize,
            weight in 0..40_u64,
        ) {
            let cut = Run { items, weight }.cut(weights.iter().copied(), |weight| *weight);
            for run in &cut {
                prop_assert!((1..=items).contains(&run.len()));
                prop_assert!(run.len() == 1 || run.iter().sum::<u64>() <= weight, "{run:?}");
            }
            prop_assert_eq!(cut.concat(), weights);
        }
    }
}
