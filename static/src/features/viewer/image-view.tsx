/** A picture, drawn by `<img>` from a blob of our own: whatever it holds, nothing in it can run or load. */
'use client';

import { useEffect, useState } from 'react';
import { Failure } from '@/components/states';

interface ImageViewProps {
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  name: string;
  onSize: (size: { width: number; height: number }) => void;
}

export function ImageView({ bytes, type, name, onSize }: ImageViewProps) {
  const [url, setUrl] = useState<string | null>(null);
  const [broken, setBroken] = useState(false);

  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type }));
    setUrl(made);
    setBroken(false);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);

  if (broken) {
    return <Failure title="This picture cannot be shown">Its content is not what its name says.</Failure>;
  }
  return (
    <div
      className="flex h-full items-start overflow-auto p-6"
      tabIndex={0}
      role="region"
      aria-label="Picture"
    >
      {url === null ? null : (
        <img
          src={url}
          alt={name}
          onLoad={({ currentTarget }) =>
            onSize({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
          }
          onError={() => setBroken(true)}
          className="checkered m-auto max-w-full rounded border"
        />
      )}
    </div>
  );
}
