//! Who may have how many of the threads for streams: a share for each connection, and one for each name of a key.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use crate::event_loop::PeerKey;

/// Whose a job is: all connections of one name are one peer. A key without a name may be anybody's, so each of its connections is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) connection: PeerKey,
    pub(crate) name: Option<Arc<str>>,
}

/// A job, and whose it is.
pub(crate) struct Owned<J> {
    pub(crate) owner: Owner,
    pub(crate) job: J,
}

/// How many jobs may be under way at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) connection: usize,
    pub(crate) name: usize,
}

/// Lets each owner have its share of jobs under way; the rest of its jobs wait, in order.
///
/// A job passes two turnstiles, first that of its connection, then that of its name.
pub(crate) struct Shares<J> {
    share: Share,
    connections: HashMap<PeerKey, Turnstile<Owned<J>>>,
    names: HashMap<Arc<str>, Turnstile<Owned<J>>>,
}

/// Lets so many through at a time.
struct Turnstile<T> {
    inside: usize,
    waiting: VecDeque<T>,
}

impl<T> Default for Turnstile<T> {
    fn default() -> Self {
        Self { inside: 0, waiting: VecDeque::new() }
    }
}

impl<J> Shares<J> {
    pub(crate) fn new(share: Share) -> Self {
        Self { share, connections: HashMap::new(), names: HashMap::new() }
    }

    /// Takes a job, and gives it back if it may begin; otherwise it waits.
    pub(crate) fn enter(&mut self, owned: Owned<J>) -> Option<Owned<J>> {
        let turnstile = self.connections.entry(owned.owner.connection).or_default();
        let passed = turnstile.enter(owned, self.share.connection)?;
        self.enter_by_name(passed)
    }

    fn enter_by_name(&mut self, owned: Owned<J>) -> Option<Owned<J>> {
        let Some(name) = &owned.owner.name else { return Some(owned) };
        self.names.entry(Arc::clone(name)).or_default().enter(owned, self.share.name)
    }

    /// A job that had begun is done: gives the one that may begin now, if any waits for it.
    pub(crate) fn leave(&mut self, owner: &Owner) -> Option<Owned<J>> {
        let next = owner.name.clone().and_then(|name| leave(&mut self.names, name));
        let behind = leave(&mut self.connections, owner.connection).and_then(|owned| self.enter_by_name(owned));
        // Never both: if the name's place was taken over, whoever is behind found none.
        next.or(behind)
    }

    /// Takes those out of an owner's jobs that wait and are of no use any more. Gives them, and those that may begin in their place.
    pub(crate) fn purge(&mut self, owner: &Owner, is_useless: impl Fn(&J) -> bool) -> (Vec<J>, VecDeque<Owned<J>>) {
        let goes = |owned: &Owned<J>| owned.owner.connection == owner.connection && is_useless(&owned.job);
        let by_name = owner.name.as_ref().and_then(|name| self.names.get_mut(name));
        let past = by_name.map(|turnstile| turnstile.take_waiting_if(goes)).unwrap_or_default();
        let by_connection = self.connections.get_mut(&owner.connection);
        let before = by_connection.map(|turnstile| turnstile.take_waiting_if(goes)).unwrap_or_default();
        let mut begin = VecDeque::new();
        // Those who waited for the name were past the other turnstile.
        for _ in &past {
            let next = leave(&mut self.connections, owner.connection);
            begin.extend(next.and_then(|owned| self.enter_by_name(owned)));
        }
        (past.into_iter().chain(before).map(|owned| owned.job).collect(), begin)
    }

    /// Whether an owner has all that it may; if so, what is to be said of it.
    pub(crate) fn used_up(&self, owner: &Owner) -> Option<&'static str> {
        // The name first: who waits for it is past the other turnstile.
        let of_name = owner.name.as_ref().and_then(|name| self.names.get(name));
        if of_name.is_some_and(|turnstile| turnstile.inside >= self.share.name) {
            return Some("the streams of this key hold as many threads as those of one may");
        }
        let of_connection = self.connections.get(&owner.connection);
        of_connection
            .is_some_and(|turnstile| turnstile.inside >= self.share.connection)
            .then_some("the streams of this connection hold as many threads as those of one may")
    }

    /// Drops what waits.
    pub(crate) fn take_waiting(&mut self) -> Vec<J> {
        let turnstiles = self.connections.values_mut().chain(self.names.values_mut());
        turnstiles.flat_map(|turnstile| turnstile.waiting.drain(..)).map(|owned| owned.job).collect()
    }
}

/// Leaves a turnstile, which is forgotten with the last one inside. Gives who passes it in turn.
fn leave<K: Eq + Hash, T>(turnstiles: &mut HashMap<K, Turnstile<T>>, key: K) -> Option<T> {
    let Entry::Occupied(mut entry) = turnstiles.entry(key) else { return None };
    let next = entry.get_mut().leave();
    if entry.get().inside == 0 {
        entry.remove();
    }
    next
}

impl<T> Turnstile<T> {
    fn enter(&mut self, one: T, most: usize) -> Option<T> {
        if self.inside < most {
            self.inside += 1;
            return Some(one);
        }
        self.waiting.push_back(one);
        None
    }

    fn take_waiting_if(&mut self, goes: impl FnMut(&T) -> bool) -> VecDeque<T> {
        let gone;
        (gone, self.waiting) = std::mem::take(&mut self.waiting).into_iter().partition(goes);
        gone
    }

    fn leave(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.inside -= usize::from(next.is_none());
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner(connection: u64, name: Option<&str>) -> Owner {
        Owner { connection: PeerKey { slot: 0, serial: connection }, name: name.map(Arc::from) }
    }

    fn enter(shares: &mut Shares<u32>, owner: &Owner, job: u32) -> Option<u32> {
        shares.enter(Owned { owner: owner.clone(), job }).map(|owned| owned.job)
    }

    fn leave(shares: &mut Shares<u32>, owner: &Owner) -> Option<u32> {
        shares.leave(owner).map(|owned| owned.job)
    }

    #[test]
    fn each_connection_has_its_share_and_what_is_more_waits_in_order() {
        let mut shares = Shares::new(Share { connection: 2, name: 9 });
        let (first, second) = (owner(1, None), owner(2, None));
        let begun: Vec<_> = (0..5).map(|job| enter(&mut shares, &first, job)).collect();
        assert_eq!(begun, [Some(0), Some(1), None, None, None]);
        assert_eq!(enter(&mut shares, &second, 7), Some(7));
        assert!(shares.used_up(&first).is_some() && shares.used_up(&second).is_none());
        let next: Vec<_> = (0..5).map(|_| leave(&mut shares, &first)).collect();
        assert_eq!(next, [Some(2), Some(3), Some(4), None, None]);
        assert_eq!(shares.used_up(&first), None);
        assert_eq!(leave(&mut shares, &second), None);
        assert!(shares.connections.is_empty() && shares.names.is_empty());
    }

    #[test]
    fn connections_of_one_name_share_and_none_of_them_has_all() {
        let mut shares = Shares::new(Share { connection: 2, name: 3 });
        let (first, second, other) = (owner(1, Some("ada")), owner(2, Some("ada")), owner(3, Some("bob")));
        let begun: Vec<_> = (0..3).map(|job| enter(&mut shares, &first, job)).collect();
        assert_eq!(begun, [Some(0), Some(1), None]);
        let begun: Vec<_> = (10..12).map(|job| enter(&mut shares, &second, job)).collect();
        assert_eq!(begun, [Some(10), None]);
        assert_eq!(enter(&mut shares, &other, 20), Some(20));
        assert_eq!(leave(&mut shares, &first), Some(11), "the name's place goes to who waits for it");
        assert_eq!(leave(&mut shares, &second), Some(2), "who waited for its connection, then for the name");
        assert!(shares.take_waiting().is_empty());
    }

    proptest! {
        #[test]
        fn nobody_exceeds_a_share_and_all_begin_in_the_end_but_the_useless(
            steps in prop::collection::vec((0..5_u8, 0..4_u64), 0..200),
        ) {
            let (share, owners) = (Share { connection: 2, name: 3 }, [
                owner(0, Some("ada")), owner(1, Some("ada")), owner(2, Some("ada")), owner(3, None),
            ]);
            let mut shares = Shares::new(share);
            let (mut under_way, mut entered, mut begun, mut gone) = (Vec::new(), 0, 0, 0);
            for (step, at) in steps {
                let owner = &owners[usize::try_from(at).unwrap()];
                let next: VecDeque<_> = match step {
                    0 => {
                        let (useless, begin) = shares.purge(owner, |job| job % 2 == 0);
                        gone += useless.len();
                        begin
                    }
                    1 | 2 => {
                        entered += 1;
                        shares.enter(Owned { owner: owner.clone(), job: entered }).into_iter().collect()
                    }
                    _ => {
                        let Some(place) = under_way.iter().position(|one| one == owner) else { continue };
                        shares.leave(&under_way.remove(place)).into_iter().collect()
                    }
                };
                begun += next.len();
                under_way.extend(next.into_iter().map(|owned| owned.owner));
                for owner in &owners {
                    let of_one = under_way.iter().filter(|one| *one == owner).count();
                    prop_assert!(of_one <= share.connection);
                }
                prop_assert!(under_way.iter().filter(|one| one.name.is_some()).count() <= share.name);
            }
            while let Some(owner) = under_way.pop() {
                let next = shares.leave(&owner);
                begun += usize::from(next.is_some());
                under_way.extend(next.map(|owned| owned.owner));
            }
            prop_assert_eq!(begun + gone, entered as usize);
            prop_assert!(shares.connections.is_empty() && shares.names.is_empty());
        }
    }
}
