/** A value against its limit: words, a bar, and a colour that warns near the limit. */
import { cx } from '@/lib/cx';

/** From this part of the limit on it is worth a look; from the other on something will soon be refused. */
export const HIGH = 0.8;
export const CRITICAL = 0.95;

export type Level = 'fine' | 'high' | 'critical';

export function levelOf(value: number, limit: number): Level {
  const part = limit > 0 ? value / limit : 0;
  return part >= CRITICAL ? 'critical' : part >= HIGH ? 'high' : 'fine';
}

export const LEVEL_TEXT: Record<Level, string> = {
  fine: 'text-muted',
  high: 'text-warn',
  critical: 'text-danger',
};
const LEVEL_BAR: Record<Level, string> = { fine: 'bg-accent', high: 'bg-warn', critical: 'bg-danger' };

interface MeterProps {
  label: string;
  value: number;
  limit: number;
  /** The same in words, such as `210 MB of 1 GB`. */
  words: string;
  /** What a level near the limit means for the user. */
  advice?: string;
  /** A value that is harmless at its limit, such as the CPU, gets no warning colours. */
  harmless?: boolean;
}

export function Meter({ label, value, limit, words, advice, harmless }: MeterProps) {
  const level = harmless ? 'fine' : levelOf(value, limit);
  const part = limit > 0 ? Math.min(1, value / limit) : 0;
  return (
    <div data-level={level}>
      <div className="flex items-baseline justify-between gap-2 text-xs">
        <span className="font-medium">{label}</span>
        <span className={cx('tabular-nums', LEVEL_TEXT[level])}>{words}</span>
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
        aria-valuetext={words}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-hover ring-1 ring-line ring-inset"
      >
        <div
          className={cx('h-full rounded-full transition-[width] duration-500', LEVEL_BAR[level])}
          style={{ width: `${(part * 100).toFixed(1)}%` }}
        />
      </div>
      {advice && level !== 'fine' ? (
        <p role="status" className={cx('mt-1 text-xs', LEVEL_TEXT[level])}>
          {advice}
        </p>
      ) : null}
    </div>
  );
}
