/**
 * The words by which the threads of a pool agree, as numbers of 32-bit words from the start of the control area on. What
 * different threads write at the same time lies in cache lines of its own. The job's fields may change only while `remaining`
 * is 0 or less and all claimed chunks are done; whoever claimed a chunk may therefore read them until it has reported it done.
 */
export const WORD = {
  /** Chunks of the job that nobody claimed yet: claimed by subtracting 1, with success if the number before was positive. */
  remaining: 0,
  /** Chunks that are done. */
  done: 16,
  /** 1 while the caller sleeps until `done` reaches the number of chunks. */
  callerSleeps: 17,
  /** Workers sleep on this word: it changes before they are woken. */
  signal: 32,
  /** Workers that sleep, or are about to. */
  sleepers: 33,
  /** Workers that those who wake up are to wake: two each, claimed by subtracting 1. */
  toWake: 34,
  /** Workers that have started. */
  ready: 35,
  /** 1 when the workers are to end. */
  stop: 36,
  /** The number of the job; it changes before the fields do. */
  job: 48,
  /** The job's kernel, and where its bytes are: looked at even by those who claimed nothing, and therefore atomically. */
  kernel: 49,
  codeLow: 50,
  codeHigh: 51,
  codeLength: 52,
  /** The job's other fields. */
  frame: 53,
  units: 54,
  grain: 55,
  chunks: 56,
  /** The first result that was not 0. */
  result: 64,
  /** 1 when a worker's kernel threw, and the message: its length and its UTF-16 units, two in a word. */
  thrown: 65,
  messageLength: 66,
  message: 67,
} as const

/** The longest message that is passed on, in UTF-16 units. */
export const MESSAGE_UNITS = 600

/** All words together; the message comes last. */
export const CONTROL_WORDS = WORD.message + MESSAGE_UNITS / 2
