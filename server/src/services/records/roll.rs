//! Whose turn it is: each of many is worked on by one thread at a time, when there is something to do for it.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// Those who wait for work, by number, each under a name; `T` is whom the work is done for.
///
/// One that is woken gets a turn. Woken during its turn, it gets another one.
#[derive(Debug)]
pub(super) struct Roll<T> {
    places: HashMap<u64, Place<T>>,
    by_name: HashMap<String, BTreeSet<u64>>,
    due: VecDeque<u64>,
    next_number: u64,
}

#[derive(Debug)]
struct Place<T> {
    name: String,
    /// Away during a turn.
    thing: Option<T>,
    /// On the list of those due, or to be put there after this turn.
    due: bool,
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), by_name: HashMap::new(), due: VecDeque::new(), next_number: 0 }
    }
}

impl<T> Roll<T> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// A number for one to come.
    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Adds one; it is due.
    pub(super) fn insert(&mut self, number: u64, name: &str, thing: T) {
        self.places.insert(number, Place { name: name.to_owned(), thing: Some(thing), due: true });
        self.by_name.entry(name.to_owned()).or_default().insert(number);
        self.due.push_back(number);
    }

    /// Wakes one.
    pub(super) fn wake(&mut self, number: u64) {
        if let Some(place) = self.places.get_mut(&number)
            && place.wake()
        {
            self.due.push_back(number);
        }
    }

    /// Wakes all under a name.
    pub(super) fn wake_all(&mut self, name: &str) {
        for number in self.by_name.get(name).into_iter().flatten() {
            if self.places.get_mut(number).is_some_and(Place::wake) {
                self.due.push_back(*number);
            }
        }
    }

    /// Begins the turn of the next one that is due.
    pub(super) fn take(&mut self) -> Option<(u64, T)> {
        while let Some(number) = self.due.pop_front() {
            if let Some(place) = self.places.get_mut(&number) {
                place.due = false;
                return place.thing.take().map(|thing| (number, thing));
            }
        }
        None
    }

    /// Ends a turn. Gives the thing back if it was removed meanwhile.
    pub(super) fn put_back(&mut self, number: u64, thing: T) -> Option<T> {
        let Some(place) = self.places.get_mut(&number) else { return Some(thing) };
        place.thing = Some(thing);
        if place.due {
            self.due.push_back(number);
        }
        None
    }

    /// Removes one. During its turn, it is given back at the end of it.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let place = self.places.remove(&number)?;
        if let Some(numbers) = self.by_name.get_mut(&place.name) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_name.remove(&place.name);
            }
        }
        place.thing
    }

    /// Removes all that are not at their turn.
    pub(super) fn clear(&mut self) -> Vec<T> {
        let numbers: Vec<u64> = self.places.keys().copied().collect();
        numbers.into_iter().filter_map(|number| self.remove(number)).collect()
    }
}

impl<T> Place<T> {
    /// Takes note that there is work. `true` if it goes on the list now.
    fn wake(&mut self) -> bool {
        !std::mem::replace(&mut self.due, true) && self.thing.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_woken_has_one_turn_and_another_if_it_is_woken_meanwhile() {
        let mut roll = Roll::default();
        let (a, b) = (roll.number(), roll.number());
        roll.insert(a, "x", 'a');
        roll.insert(b, "x", 'b');
        assert_eq!((roll.take(), roll.take(), roll.take()), (Some((a, 'a')), Some((b, 'b')), None));
        roll.wake(a);
        roll.wake(a);
        assert_eq!(roll.take(), None, "it is at its turn");
        assert_eq!((roll.put_back(a, 'a'), roll.put_back(b, 'b')), (None, None));
        assert_eq!((roll.take(), roll.take()), (Some((a, 'a')), None));
        assert_eq!(roll.put_back(a, 'a'), None);
        roll.wake_all("x");
        roll.wake_all("x");
        roll.wake_all("y");
        assert_eq!((roll.take(), roll.take(), roll.take()), (Some((a, 'a')), Some((b, 'b')), None));
    }

    #[test]
    fn nothing_is_left_of_one_that_is_removed() {
        let mut roll = Roll::default();
        let (a, b) = (roll.number(), roll.number());
        roll.insert(a, "x", 'a');
        roll.insert(b, "x", 'b');
        assert_eq!(roll.remove(a), Some('a'));
        assert_eq!(roll.take(), Some((b, 'b')));
        assert_eq!(roll.remove(b), None);
        assert_eq!((roll.put_back(b, 'b'), roll.remove(b), roll.len()), (Some('b'), None, 0));
        roll.wake_all("x");
        assert!(roll.take().is_none() && roll.by_name.is_empty());
    }
}
