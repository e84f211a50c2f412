//! What a pickle holds: nodes, each value once, however often it appears.

use bulla_core::codec::DecodeError;

use crate::input::Integer;

/// How deep collections may nest.
pub(crate) const MAX_DEPTH: u8 = 128;
/// How many values there may be, each counted as often as it appears.
pub(crate) const MAX_VALUES: u32 = 1_000_000;
/// How many bytes of text and bytes there may be, each counted as often as it appears.
pub(crate) const MAX_TEXT: u32 = 16 << 20;

/// The place of a node in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u32);

/// 24 bytes: a pickle has a node for each value, and a value may be a byte.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node<'de> {
    None,
    Bool(bool),
    Narrow(i64),
    /// An integer beyond 64 bits, in its place among those.
    Wide(u32),
    Float(f64),
    Text(&'de str),
    /// A text that is not in the input as it is: where it begins among those, and its length.
    Decoded(u32, u32),
    Bytes(&'de [u8]),
    Collection(Collection),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    List,
    Tuple,
    Set,
    /// Keys and values in turn.
    Dict,
}

/// A list and the like. Its items are a chain, since they come in batches with other items in between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    /// Whether it has a place already: from then on it may not grow, so it can neither hold itself nor be counted wrongly.
    is_placed: bool,
    // Those of its `Size`, without the room between them.
    depth: u8,
    values: u32,
    text: u32,
    len: u32,
    first: u32,
    last: u32,
}

/// What a value comes to, with all that it holds.
#[derive(Debug, Clone, Copy)]
struct Size {
    depth: u8,
    values: u32,
    text: u32,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    id: Id,
    next: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Tree<'de> {
    nodes: Vec<Node<'de>>,
    items: Vec<Item>,
    wide: Vec<Integer>,
    decoded: String,
}

impl<'de> Tree<'de> {
    pub(crate) fn node(&self, id: Id) -> Node<'de> {
        self.nodes[id.0 as usize]
    }

    /// Adds a node that has no place yet.
    pub(crate) fn add(&mut self, node: Node<'de>) -> Result<Id, DecodeError> {
        let id = u32::try_from(self.nodes.len()).ok().filter(|id| *id < MAX_VALUES).ok_or_else(too_many)?;
        self.nodes.push(node);
        Ok(Id(id))
    }

    pub(crate) fn add_integer(&mut self, number: Integer) -> Result<Id, DecodeError> {
        let node = match number {
            Integer::Narrow(number) => Node::Narrow(number),
            wide => Node::Wide(push(&mut self.wide, wide)),
        };
        self.add(node)
    }

    pub(crate) fn add_decoded(&mut self, text: &str) -> Result<Id, DecodeError> {
        let narrow = |len| u32::try_from(len).map_err(|_| DecodeError::TooManyBytes(MAX_TEXT as usize));
        let node = Node::Decoded(narrow(self.decoded.len())?, narrow(text.len())?);
        self.decoded.push_str(text);
        self.add(node)
    }

    /// Puts a value at the end of a collection. Who calls it sees to it that this happens no more than [`MAX_VALUES`] times.
    pub(crate) fn place(&mut self, id: Id, target: Id, kind: Kind) -> Result<(), DecodeError> {
        self.mark_placed(id);
        let size = self.size(id);
        let link = push(&mut self.items, Item { id, next: 0 });
        let collection = match &mut self.nodes[target.0 as usize] {
            Node::Collection(collection) if collection.kind == kind => collection,
            _ => return Err(DecodeError::new("a collection grows that is of another kind")),
        };
        if collection.is_placed {
            return Err(DecodeError::new("a collection grows that is used already, or holds itself"));
        }
        collection.grow(size)?;
        let before = std::mem::replace(&mut collection.last, link);
        match collection.len {
            0 => collection.first = link,
            _ => self.items[before as usize].next = link,
        }
        collection.len += 1;
        Ok(())
    }

    /// From now on a collection may not grow.
    pub(crate) fn mark_placed(&mut self, id: Id) {
        if let Node::Collection(collection) = &mut self.nodes[id.0 as usize] {
            collection.is_placed = true;
        }
    }

    /// The items of a collection, in order.
    pub(crate) fn items(&self, collection: Collection) -> Ids<'_> {
        Ids { items: &self.items, next: collection.first, left: collection.len }
    }

    pub(crate) fn wide(&self, place: u32) -> Integer {
        self.wide[place as usize]
    }

    pub(crate) fn decoded(&self, begin: u32, len: u32) -> &str {
        &self.decoded[begin as usize..][..len as usize]
    }

    fn size(&self, id: Id) -> Size {
        let text = |len| Size { depth: 0, values: 1, text: u32::try_from(len).unwrap_or(u32::MAX) };
        match self.node(id) {
            Node::Text(value) => text(value.len()),
            Node::Bytes(value) => text(value.len()),
            Node::Decoded(_, len) => text(len as usize),
            Node::Collection(Collection { depth, values, text, .. }) => Size { depth, values, text },
            _ => text(0),
        }
    }
}

/// The items of a collection that are to come.
pub(crate) struct Ids<'t> {
    items: &'t [Item],
    next: u32,
    left: u32,
}

impl Iterator for Ids<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        let item = self.items[self.next as usize];
        self.next = item.next;
        Some(item.id)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Ids<'_> {}

impl Node<'_> {
    /// A collection of nothing.
    pub(crate) const fn empty(kind: Kind) -> Self {
        let is_placed = false;
        Self::Collection(Collection { kind, is_placed, depth: 1, values: 1, text: 0, len: 0, first: 0, last: 0 })
    }
}

impl Collection {
    pub(crate) const fn len(self) -> u32 {
        self.len
    }

    fn grow(&mut self, item: Size) -> Result<(), DecodeError> {
        self.depth = self.depth.max(item.depth.saturating_add(1));
        self.values = self.values.saturating_add(item.values);
        self.text = self.text.saturating_add(item.text);
        match self {
            Self { depth, .. } if *depth > MAX_DEPTH => Err(DecodeError::TooDeep(MAX_DEPTH.into())),
            Self { values, .. } if *values > MAX_VALUES => Err(too_many()),
            Self { text, .. } if *text > MAX_TEXT => Err(DecodeError::TooManyBytes(MAX_TEXT as usize)),
            _ => Ok(()),
        }
    }
}

#[cold]
pub(crate) fn too_many() -> DecodeError {
    DecodeError::TooManyElements(MAX_VALUES)
}

/// Adds to one of the lists beside the nodes: there are no more of these than nodes and places, a million each.
fn push<T>(list: &mut Vec<T>, value: T) -> u32 {
    let place = u32::try_from(list.len()).expect("a million at most");
    list.push(value);
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Node<'_>>(), 24);
    }

    #[test]
    fn what_is_shared_counts_each_time() {
        let mut tree = Tree::default();
        let mut inner = tree.add(Node::Text("text")).unwrap();
        // Each level holds the one below ten times.
        for _ in 0..5 {
            let outer = tree.add(Node::empty(Kind::List)).unwrap();
            (0..10).for_each(|_| tree.place(inner, outer, Kind::List).unwrap());
            inner = outer;
        }
        let size = tree.size(inner);
        assert_eq!((size.depth, size.values, size.text), (5, 111_111, 400_000));
        let outer = tree.add(Node::empty(Kind::List)).unwrap();
        (0..9).for_each(|_| tree.place(inner, outer, Kind::List).unwrap());
        assert_eq!(tree.place(inner, outer, Kind::List), Err(too_many()));
    }

    #[test]
    fn what_has_a_place_grows_no_more() {
        let mut tree = Tree::default();
        let list = tree.add(Node::empty(Kind::List)).unwrap();
        let set = tree.add(Node::empty(Kind::Set)).unwrap();
        let one = tree.add(Node::Narrow(1)).unwrap();
        tree.place(one, set, Kind::Set).unwrap();
        tree.place(set, list, Kind::List).unwrap();
        assert!(tree.place(one, set, Kind::Set).is_err());
        assert!(tree.place(one, list, Kind::Set).is_err());
        assert!(tree.place(one, one, Kind::List).is_err());
        assert!(tree.place(list, list, Kind::List).is_err());
        let Node::Collection(collection) = tree.node(list) else { panic!("no list") };
        assert_eq!(tree.items(collection).collect::<Vec<_>>(), [set]);
    }
}
