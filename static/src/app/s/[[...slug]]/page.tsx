/** `/s/{uuid}/`: a workspace. One exported file serves every id; the id is read from the address in the browser. */
import { AuthGate } from '@/features/auth/auth-gate';
import { WorkspacePage } from '@/features/workspace/workspace-page';

export function generateStaticParams(): { slug: string[] }[] {
  return [{ slug: [] }];
}

export default function SessionRoute() {
  return (
    <AuthGate>
      <WorkspacePage />
    </AuthGate>
  );
}
