#ifndef POLICY_MOF_SYSTEM_H
#define POLICY_MOF_SYSTEM_H

/* MOF of the classes whose names begin with "__". */
extern const char system_text[];

struct nearest;

/* Offers the names of those classes (nearest.h). */
void system_offer(struct nearest *n);

#endif
