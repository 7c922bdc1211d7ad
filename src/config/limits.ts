/** Limits as written made into limits as used. */
import type { z } from 'zod';
import type { Limits } from './installation.ts';
import type { LIMITS } from './schema-limits.ts';

export function limitsOf(written: z.output<typeof LIMITS>): Limits {
  return {
    messageBytes: written.message,
    spoolingBytes: written.spooling,
    headerBytes: written.header,
    headerFieldBytes: written.header_field,
    headerLines: written.header_lines,
    lineBytes: written.line,
    commandLineBytes: written.command_line,
    drainBytes: written.drain,
    recipients: written.recipients,
    refusedRecipients: written.refused_recipients,
    transactions: written.transactions,
    commands: written.commands,
    idleCommands: written.idle_commands,
    greetings: written.greetings,
    errors: written.errors,
    hops: written.hops,
    signatures: written.signatures,
    dnsQuestions: written.dns_questions,
    parts: written.parts,
    partDepth: written.part_depth,
    textBytes: written.text,
    proxyHeader: written.proxy_header,
    handshake: written.handshake,
    idle: written.idle,
    idleBusy: written.idle_busy,
    command: written.command,
    dataBlock: written.data_block,
    dataRateBytes: written.data_rate,
    dataWindow: written.data_window,
    dataStart: written.data_start,
    decision: written.decision,
    commit: written.commit,
    session: written.session,
    sessions: written.sessions,
    networkSessions: written.network_sessions,
    connections: written.connections,
    networkConnections: written.network_connections,
    window: written.window,
    lag: written.lag,
  };
}
