const template = {
  type: "m.room.message",
  sender: "@alice:example.org",
  origin_server_ts: 1_795_000_000_000,
  content: { msgtype: "m.text", body: "About two hundred bytes, as many small events and records of a client are" },
};

let number = 0;

/** A value of about 200 bytes of JSON. Each is another one: SQLite leaves out writes that change nothing. */
export function newValue() {
  number++;
  return { ...template, number };
}

export function keyOf(index) {
  return `message ${index}`;
}
