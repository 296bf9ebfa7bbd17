/** Short names for the generated wire types. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Session = Schemas['Session'];
export type SessionState = Schemas['SessionState'];
export type Item = Schemas['Item'];
export type Terminal = Schemas['Terminal'];
export type Process = Schemas['Process'];
export type Version = Schemas['Version'];
export type VersionPage = Schemas['VersionList'];
export type Changed = Schemas['Changed'];
export type Template = Schemas['Template'];
export type Snapshot = Schemas['Snapshot'];
export type Publication = Schemas['PublishTemplate'];
export type TemplateUpdate = Schemas['TemplateUpdated'];
export type Pattern = Schemas['Pattern'];
export type SearchMatch = Schemas['SearchMatch'];
export type SearchResult = Schemas['SearchResult'];
export type ReplacedFile = Schemas['ReplacedFile'];
/** A file as a preview of a replacement showed it. */
export type SeenFile = Schemas['SeenFile'];
export type Replacements = Schemas['Replacements'];
export type ArchiveKind = Schemas['ArchiveKind'];
export type Imported = Schemas['Imported'];
export type SkippedWhy = Schemas['SkippedWhy'];
/** What is in a sandbox and nowhere else. */
export type UnkeptItem = Schemas['UnkeptItem'];
export type UnkeptItems = Schemas['UnkeptItems'];
export type Problem = Schemas['Problem'];
/** A file on its way up. */
export type UploadInfo = Schemas['Upload'];

export type Review = Schemas['Review'];
export type ReviewPerson = Schemas['Person'];
export type ReviewState = Schemas['ReviewState'];
export type ReviewAction = Schemas['Action'];
export type ReviewRound = Schemas['Round'];
export type ReviewStep = Schemas['Step'];
export type Priority = Schemas['Priority'];
export type Reviewer = Schemas['Reviewer'];
/** What a review says of lines, files and all of it. */
export type Thread = Schemas['Thread'];
export type ThreadKind = Schemas['ThreadKind'];
export type ThreadState = Schemas['ThreadState'];
export type ThreadAction = Schemas['ThreadAction'];
export type ReviewComment = Schemas['Comment'];
export type FormerComment = Schemas['FormerComment'];
export type NewComment = Schemas['NewComment'];
export type Suggestion = Schemas['Suggestion'];
export type Lines = Schemas['Lines'];
/** Of two compared texts: the round's own, or what it is compared with. */
export type Side = Schemas['Side'];
export type ReviewDiff = Schemas['Diff'];
export type ChangedItem = Schemas['ChangedItem'];
export type ChangeStatus = Schemas['Status'];
/** A round that is run. */
export type Run = Schemas['Run'];
