//! Which connections rest, so that many which are silent take little memory, and a few which are busy no more time.

use std::collections::VecDeque;

use slab::Slab;

use crate::event_loop::PeerKey;
use crate::event_loop::peer::Peer;

/// So many connections of a loop may be awake: each takes a kilobyte and a half more than one that rests.
const AWAKE: usize = 256;

/// How soon a connection is to rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Vigil {
    /// Something happened on it lately.
    Awake,
    /// Nothing happened since it was looked at.
    Drowsy,
    /// It rests.
    #[default]
    Resting,
}

/// The connections that are awake, in a circle: the hand of a clock puts to rest on which nothing happened since it last passed.
#[derive(Default)]
pub(crate) struct Circle(VecDeque<PeerKey>);

impl Circle {
    /// Something happened on this connection.
    pub(crate) fn wake(&mut self, peer: &mut Peer) {
        if std::mem::replace(&mut peer.vigil, Vigil::Awake) == Vigil::Resting {
            self.0.push_back(peer.key);
        }
    }

    /// Puts to rest whoever is too many. Each step forward was paid for by a [`wake`](Self::wake).
    pub(crate) fn turn(&mut self, peers: &mut Slab<Peer>) {
        while self.0.len() > AWAKE
            && let Some(key) = self.0.pop_front()
        {
            let Some(peer) = peers.get_mut(key.slot).filter(|peer| peer.key == key) else { continue };
            if peer.vigil == Vigil::Awake {
                peer.vigil = Vigil::Drowsy;
                self.0.push_back(key);
            } else {
                peer.vigil = Vigil::Resting;
                peer.rest();
            }
        }
    }
}
