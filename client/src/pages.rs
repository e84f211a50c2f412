//! Long lists, which servers give page by page: asked for as they are read, and no longer than they grow.

use crate::CallError;

/// An entry of a list that is in order of a key.
pub(crate) trait Listed {
    /// What the entry comes after in the list is below it.
    type Key: Clone;

    fn key(&self) -> Self::Key;

    fn is_after(&self, key: &Self::Key) -> bool;
}

/// One page, and whether there are more behind it.
pub(crate) type Page<T> = (Vec<T>, bool);

/// A list that is read entry by entry. After an error, nothing follows.
pub(crate) struct Pages<T: Listed> {
    route: &'static str,
    page: std::vec::IntoIter<T>,
    after: Option<T::Key>,
    more: bool,
}

impl<T: Listed> Pages<T> {
    /// Begins behind an entry, or at the first.
    pub(crate) fn new(route: &'static str, after: Option<T::Key>) -> Self {
        Self { route, page: Vec::new().into_iter(), after, more: true }
    }

    /// The next entry; `fetch` gets the page behind a key.
    pub(crate) fn next(
        &mut self,
        fetch: impl FnOnce(Option<T::Key>) -> Result<Page<T>, CallError>,
    ) -> Option<Result<T, CallError>> {
        if self.page.len() == 0 && self.more {
            match fetch(self.after.clone()) {
                Ok((entries, more)) if more && entries.is_empty() => {
                    return self.fail("more is to come, and nothing does");
                }
                Ok((entries, more)) => (self.page, self.more) = (entries.into_iter(), more),
                Err(error) => {
                    self.more = false;
                    return Some(Err(error));
                }
            }
        }
        let entry = self.page.next()?;
        // A list that does not grow would never end.
        if self.after.as_ref().is_some_and(|after| !entry.is_after(after)) {
            return self.fail("an entry came again, or out of order");
        }
        self.after = Some(entry.key());
        Some(Ok(entry))
    }

    fn fail(&mut self, reason: &'static str) -> Option<Result<T, CallError>> {
        (self.page, self.more) = (Vec::new().into_iter(), false);
        Some(Err(CallError::List { route: self.route, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Listed for u32 {
        type Key = u32;

        fn key(&self) -> u32 {
            *self
        }

        fn is_after(&self, key: &u32) -> bool {
            self > key
        }
    }

    /// What is read of these pages, and the last words.
    fn read(pages: &[Page<u32>]) -> (Vec<u32>, Option<&'static str>) {
        let (mut list, mut left) = (Pages::new("list", None), pages.iter());
        let (mut numbers, mut failed) = (Vec::new(), None);
        while let Some(entry) = list.next(|_| Ok(left.next().expect("no page is asked for in vain").clone())) {
            match entry {
                Ok(number) => numbers.push(number),
                Err(CallError::List { reason, .. }) => failed = Some(reason),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(left.len(), 0);
        (numbers, failed)
    }

    #[test]
    fn pages_follow_each_other_as_long_as_they_grow() {
        assert_eq!(read(&[(vec![], false)]), (vec![], None));
        assert_eq!(read(&[(vec![1, 2], true), (vec![3], true), (vec![9], false)]), (vec![1, 2, 3, 9], None));
        let again = Some("an entry came again, or out of order");
        assert_eq!(read(&[(vec![1, 2], true), (vec![1, 2], true)]), (vec![1, 2], again));
        assert_eq!(read(&[(vec![1, 3, 2, 4], true)]), (vec![1, 3], again));
        assert_eq!(read(&[(vec![1], true), (vec![], true)]), (vec![1], Some("more is to come, and nothing does")));
    }
}
