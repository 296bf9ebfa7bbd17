/** A version in words, and versions by the days on which they were made. */
import type { Version } from '@/api/types';
import { displayName } from '@/lib/paths';

const ORIGINS: Record<Version['origin'], string> = {
  editor: 'in the editor',
  terminal: 'by a program',
  upload: 'by an upload',
  restore: 'by going back',
  review: 'by a review',
};

/** `Changed in the editor`, `Renamed from “a.py”`. */
export function changeWords({ change, origin, other_path: other }: Version): string {
  const name = `“${displayName(other ?? '')}”`;
  switch (change) {
    case 'created':
      return `Made ${ORIGINS[origin]}`;
    case 'modified':
      return `Changed ${ORIGINS[origin]}`;
    case 'removed':
      return `Deleted ${ORIGINS[origin]}`;
    case 'moved_here':
      return `Came from ${name}`;
    case 'moved_away':
      return `Went to ${name}`;
  }
}

/** Whether the version says what was there before, and there is nothing since. */
export function isEnd({ change }: Version): boolean {
  return change === 'removed' || change === 'moved_away';
}

/** `14:05:09`, on this browser's clock. */
export function clockOf(time: string): string {
  return new Date(time).toLocaleTimeString('en', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
}

/** Day and time to the second, on this browser's clock. */
export function momentOf(time: string): string {
  return `${new Date(time).toLocaleDateString('en', { dateStyle: 'medium' })}, ${clockOf(time)}`;
}

export interface Day {
  label: string;
  versions: Version[];
}

/** Versions in their order, a day at a time. */
export function byDay(versions: readonly Version[], now: Date = new Date()): Day[] {
  const days: Day[] = [];
  for (const version of versions) {
    const label = dayLabel(new Date(version.at), now);
    const last = days.at(-1);
    if (last?.label === label) last.versions.push(version);
    else days.push({ label, versions: [version] });
  }
  return days;
}

function dayLabel(date: Date, now: Date): string {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (sameDay(date, now)) return 'Today';
  if (sameDay(date, yesterday)) return 'Yesterday';
  return date.toLocaleDateString('en', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
}

function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}

/** A time as a date-time field of this browser takes it: local, to the second. */
export function toField(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** The time such a field holds; `null` while it holds none. */
export function fromField(value: string): string | null {
  const date = new Date(value);
  return value === '' || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
