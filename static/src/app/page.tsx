/** `/`: the sessions of whoever is signed in. */
import { AuthGate } from '@/features/auth/auth-gate';
import { Dashboard } from '@/features/dashboard/dashboard';

export default function Home() {
  return (
    <AuthGate>
      <Dashboard />
    </AuthGate>
  );
}
