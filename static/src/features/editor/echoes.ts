/** Tells the events of our own saves, which may come when the next save is done already, from those of others. */
import { bareEtag } from './file-text';

/** Saves whose events may still be on their way; more than that within a second or so nobody makes. */
const MOST_ECHOES = 8;

export class Echoes {
  /** In the order of the saves, which is that of their events. */
  private tags: string[] = [];

  expect(etag: string): void {
    this.tags = [...this.tags, bareEtag(etag)].slice(-MOST_ECHOES);
  }

  /** Whether this tag is that of a save of ours; each is heard once. */
  hear(etag: string | null | undefined): boolean {
    const index = this.tags.indexOf(bareEtag(etag));
    // After a foreign tag none of ours can follow: our save would have been refused.
    this.tags = index < 0 ? [] : this.tags.slice(index + 1);
    return index >= 0;
  }
}
