use super::*;

/// A disk with little room.
struct Disk {
    held: Vec<u8>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room - self.held.len());
        if taken == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.held.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Cut for Disk {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.held.truncate(self.held.len() - bytes as usize);
        Ok(())
    }
}

#[test]
fn a_full_disk_leaves_no_part_of_a_line() {
    for (room, kept, held) in [(0, 0, ""), (3, 0, ""), (6, 1, "{1}\n"), (8, 2, "{1}\n{2}\n")] {
        let mut disk = Disk { held: Vec::new(), room };
        let (lines, result) = write_lines(&mut disk, b"{1}\n{2}\n{3}\n");
        assert_eq!((lines, result.is_err()), (kept, true), "with room for {room}");
        assert_eq!(String::from_utf8(disk.held).unwrap(), held, "with room for {room}");
    }
    let mut disk = Disk { held: Vec::new(), room: 12 };
    let (lines, result) = write_lines(&mut disk, b"{1}\n{2}\n");
    assert!(lines == 2 && result.is_ok());
}

#[test]
fn a_file_cut_off_ends_where_the_line_began() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let mut file = append(&path).unwrap();
    file.write_all(b"{1}\n{2").unwrap();
    file.cut(2).unwrap();
    file.write_all(b"{3}\n").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{3}\n");
}

/// As `logrotate` does with `create`.
#[test]
fn a_new_file_in_place_of_the_one_moved_away_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("lines"), folder.path().join("lines.1"));
    let file = append(&path).unwrap();
    let mut writer = Writer { flag: "--lines", path, file, lost: Arc::default(), failing: false };
    writer.write(b"{1}\n", 1);
    std::fs::rename(&writer.path, &moved).unwrap();
    File::create(&writer.path).unwrap();
    writer.write(b"{2}\n", 1);
    assert_eq!(std::fs::read_to_string(&writer.path).unwrap(), "{2}\n");
    assert_eq!(std::fs::read_to_string(&moved).unwrap(), "{1}\n");
}
