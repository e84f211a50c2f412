//! Tests of records sealed and opened together: the same bytes, the same frames and the same failures as one by one.

use super::*;

/// The frames of each record, sealed together.
fn together(sealer: &mut Sealer, records: &[Vec<u8>], out: &mut Vec<u8>) {
    let mut batch = Batch::new(out);
    for frames in records {
        batch.add(|record| record.put(frames).ok()).unwrap();
    }
    sealer.seal_all(NOW, batch).unwrap();
}

/// Opens what is whole of the wire: the frames of each record, and how it ended.
fn opened(opener: &mut Opener, wire: &mut [u8]) -> (Vec<Vec<u8>>, Result<usize, OpenError>) {
    let mut frames = Vec::new();
    let end = opener.open_each(wire, |each| {
        frames.push(each.to_vec());
        Ok(())
    });
    (frames, end)
}

/// The same, one by one.
fn opened_singly(opener: &mut Opener, mut wire: &mut [u8]) -> (Vec<Vec<u8>>, Result<usize, OpenError>) {
    let (mut frames, mut used) = (Vec::new(), 0);
    while let Some((length, rest)) = wire.split_first_chunk_mut::<LENGTH_PREFIX>() {
        let length = u32::from_be_bytes(*length) as usize;
        if !is_legal_token_length(length) {
            return (frames, Err(OpenError::BadLength(length)));
        }
        let Some((token, rest)) = rest.split_at_mut_checked(length) else { break };
        match opener.open(token) {
            Ok(each) => frames.push(each.to_vec()),
            Err(error) => return (frames, Err(error)),
        }
        used += LENGTH_PREFIX + length;
        wire = rest;
    }
    (frames, Ok(used))
}

/// Of lengths that are alike, and of lengths that are not.
fn some_records(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let bytes = |longest| prop::collection::vec(any::<u8>(), 0..longest);
    prop::collection::vec(prop_oneof![3 => bytes(100), 1 => bytes(3000)], 0..=most)
}

#[test]
fn a_batch_takes_as_many_records_as_it_says() {
    let mut out = b"before".to_vec();
    let mut batch = Batch::new(&mut out);
    assert!(batch.is_empty());
    for count in 1..=Batch::MAX {
        assert_eq!(batch.add(|record| record.put(b"frames").ok()), Some(()));
        assert_eq!((batch.records(), batch.len()), (count, count * (LENGTH_PREFIX + 73)));
    }
    assert_eq!(batch.add(|_| -> Option<()> { panic!("nothing is written to a full batch") }), None);
    let (mut sealer, mut opener) = pair();
    sealer.seal_all(NOW, batch).unwrap();
    let wire = out.strip_prefix(b"before").unwrap();
    assert_eq!(opened(&mut opener, &mut wire.to_vec()), (vec![b"frames".to_vec(); Batch::MAX], Ok(wire.len())));
}

#[test]
fn an_unsealed_batch_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let mut batch = Batch::new(&mut out);
    batch.add(|record| record.put(b"a secret").ok()).unwrap();
    drop(batch);
    assert_eq!(out, b"before");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut batch = Batch::new(&mut out);
        batch.add(|record| record.put(b"a secret").ok()).unwrap();
        batch.add(|_| -> Option<()> { panic!("while it is written") });
    }));
    assert!(panicked.is_err());
    assert_eq!(out, b"before");
    let (mut sealer, _) = pair();
    sealer.sequence = u64::MAX - 1;
    let mut batch = Batch::new(&mut out);
    batch.add(|_| Some(())).unwrap();
    batch.add(|_| Some(())).unwrap();
    assert_eq!(sealer.seal_all(NOW, batch), Err(SealError::Exhausted));
    assert_eq!((out.as_slice(), sealer.sequence), (&b"before"[..], u64::MAX - 1));
}

#[test]
fn a_record_that_is_not_written_is_none() {
    let (mut sealer, mut opener) = pair();
    let mut out = Vec::new();
    let mut batch = Batch::new(&mut out);
    batch.add(|record| record.put(b"zero").ok()).unwrap();
    let none: Option<()> = batch.add(|record| {
        record.put(b"half a").unwrap();
        None
    });
    assert_eq!(none, None);
    // Without frames, it is a record all the same.
    batch.add(|_| Some(())).unwrap();
    sealer.seal_all(NOW, batch).unwrap();
    let length = out.len();
    assert_eq!(opened(&mut opener, &mut out), (vec![b"zero".to_vec(), Vec::new()], Ok(length)));
}

#[test]
fn frames_end_where_a_record_does() {
    let mut out = Vec::new();
    let mut batch = Batch::new(&mut out);
    batch
        .add(|record| {
            record.put(&[1; MAX_FRAMES - 1]).unwrap();
            assert_eq!((record.len(), record.room()), (MAX_FRAMES - 1, 1));
            assert_eq!(record.put(&[2, 2]), Err(SealError::TooLong { length: MAX_FRAMES + 1 }));
            record.put(&[3]).unwrap();
            assert_eq!(record.put(&[4]), Err(SealError::TooLong { length: MAX_FRAMES + 1 }));
            Some(())
        })
        .unwrap();
    let (mut sealer, mut opener) = pair();
    sealer.seal_all(NOW, batch).unwrap();
    let (frames, _) = opened(&mut opener, &mut out);
    assert_eq!(frames, [[&[1; MAX_FRAMES - 1][..], &[3]].concat()]);
}

#[test]
fn what_the_application_refuses_ends_the_opening() {
    let (mut sealer, mut opener) = pair();
    let mut wire = Vec::new();
    together(&mut sealer, &[b"zero".to_vec(), b"one".to_vec(), b"two".to_vec()], &mut wire);
    let mut seen = 0;
    let end = opener.open_each(&mut wire, |_| {
        seen += 1;
        Err(OpenError::BadPadding)
    });
    assert_eq!((end, seen), (Err(OpenError::BadPadding), 1));
}

#[test]
fn the_longest_records_may_be_sealed_together() {
    let records: Vec<Vec<u8>> = (0..Batch::MAX).map(|at| vec![at as u8; MAX_FRAMES - 100 * at]).collect();
    let mut wire = Vec::new();
    together(&mut pair().0, &records, &mut wire);
    let length = wire.len();
    assert!(opened(&mut pair().1, &mut wire) == (records, Ok(length)));
}

proptest! {
    #[test]
    fn sealed_together_or_one_by_one_the_bytes_are_the_same(key: [u8; 32], seed: [u8; 32], records in some_records(Batch::MAX)) {
        let sealer = || Sealer::new(SessionKey::from_bytes(key), seed);
        let (mut one, mut all) = (sealer(), sealer());
        let (mut singly, mut at_once) = (Vec::new(), Vec::new());
        for round in [&records[..], &records[..records.len() / 2]] {
            round.iter().for_each(|frames| one.seal(NOW, frames, &mut singly).unwrap());
            together(&mut all, round, &mut at_once);
            prop_assert!(at_once == singly);
        }
    }

    #[test]
    fn fernet_opens_every_record_of_a_batch(key: [u8; 32], seed: [u8; 32], records in some_records(Batch::MAX)) {
        let mut sealer = Sealer::new(SessionKey::from_bytes(key), seed);
        let mut out = Vec::new();
        together(&mut sealer, &records, &mut out);
        let mut wire = &out[..];
        for (sequence, frames) in records.iter().enumerate() {
            let (length, rest) = wire.split_first_chunk().unwrap();
            let (token, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            let opened = oracle(key).decrypt_at_time(&URL_SAFE.encode(token), Some(0), NOW).unwrap();
            prop_assert!(opened == [&(sequence as u64).to_be_bytes(), &frames[..]].concat());
            wire = rest;
        }
        prop_assert!(wire.is_empty());
    }

    #[test]
    fn opened_together_or_one_by_one_the_frames_are_the_same(records in some_records(5), cut: prop::sample::Index) {
        let mut wire = Vec::new();
        together(&mut pair().0, &records, &mut wire);
        let cut = cut.index(wire.len() + 1);
        let together = opened(&mut pair().1, &mut wire[..cut].to_vec());
        prop_assert!(together == opened_singly(&mut pair().1, &mut wire[..cut].to_vec()));
        prop_assert!(together.0 == records[..together.0.len()]);
        prop_assert!(together.0.len() == records.len() || cut < wire.len());
    }

    #[test]
    fn a_changed_byte_is_noticed_where_it_is(records in some_records(5), at: prop::sample::Index, xor in 1..=255_u8) {
        let mut wire = Vec::new();
        together(&mut pair().0, &records, &mut wire);
        prop_assume!(!wire.is_empty());
        let at = at.index(wire.len());
        wire[at] ^= xor;
        let mut opener = pair().1;
        let together = opened(&mut opener, &mut wire.clone());
        prop_assert!(together == opened_singly(&mut pair().1, &mut wire.clone()));
        prop_assert!(together.0 == records[..together.0.len()]);
        // A length that grew may wait for bytes that never come; anything else is an error, now and ever after.
        if let Err(error) = together.1 {
            prop_assert_eq!(opened(&mut opener, &mut wire), (Vec::new(), Err(error)));
        } else {
            prop_assert!(together.0.len() < records.len());
        }
    }
}
