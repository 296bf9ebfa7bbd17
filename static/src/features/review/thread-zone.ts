/**
 * A place between two lines of an editor for something of the page's own, as high as that is.
 *
 * The editor keeps the room; what is in it lies over the editor, where it can be clicked and typed in.
 */
import type { CodeEditor } from '@/features/editor/monaco-loader';

/** Until it is measured. */
const FIRST_HEIGHT_PX = 64;

/** Between the last line's end and the scroll bar. */
const MARGIN_PX = 24;

/** Where the editor says that a place is which is out of sight. */
const FAR_AWAY_PX = -100_000;

let made = 0;

export class ThreadZone {
  /** What the page draws into. */
  readonly node = document.createElement('div');
  private readonly inner: ResizeObserver;
  private readonly layout: { dispose: () => void };
  private readonly zone;
  private id = '';
  private top = 0;
  private readonly widget;

  /** Below `line`; 0 is above the first. */
  constructor(
    private readonly editor: CodeEditor,
    line: number,
  ) {
    made += 1;
    const name = `review.thread.${made}`;
    this.node.className = 'thread-zone';
    this.node.dataset['threadZone'] = '';
    // The Tab key comes to what is out of sight, too.
    this.node.addEventListener('focusin', () => {
      if (this.top < FAR_AWAY_PX) editor.revealLineNearTop(Math.max(1, line));
    });
    this.widget = { getId: () => name, getDomNode: () => this.node, getPosition: () => null };
    this.zone = {
      afterLineNumber: line,
      heightInPx: FIRST_HEIGHT_PX,
      domNode: document.createElement('div'),
      suppressMouseDown: true,
      showInHiddenAreas: true,
      onDomNodeTop: (top: number) => {
        this.top = top;
        this.node.style.top = `${top}px`;
      },
    };
    editor.addOverlayWidget(this.widget);
    editor.changeViewZones((zones) => {
      this.id = zones.addZone(this.zone);
    });
    this.layout = editor.onDidLayoutChange(() => this.place());
    this.place();
    this.inner = new ResizeObserver(() => this.fit());
    this.inner.observe(this.node);
  }

  dispose(): void {
    this.inner.disconnect();
    this.layout.dispose();
    // With the editor its places go by themselves.
    if (!this.editor.getModel()) return;
    this.editor.changeViewZones((zones) => zones.removeZone(this.id));
    this.editor.removeOverlayWidget(this.widget);
  }

  private place(): void {
    const { contentLeft, contentWidth, verticalScrollbarWidth } = this.editor.getLayoutInfo();
    this.node.style.left = `${contentLeft}px`;
    this.node.style.width = `${Math.max(160, contentWidth - verticalScrollbarWidth - MARGIN_PX)}px`;
  }

  private fit(): void {
    const height = Math.ceil(this.node.getBoundingClientRect().height);
    if (height === 0 || height === this.zone.heightInPx) return;
    this.zone.heightInPx = height;
    this.editor.changeViewZones((zones) => zones.layoutZone(this.id));
  }
}
