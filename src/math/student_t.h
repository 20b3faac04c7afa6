/*
 * student_t.h: quantiles of Student's t distribution.
 */
#ifndef CRM_STUDENT_T_H
#define CRM_STUDENT_T_H

extern double student_t_critical95(double degrees);

#endif /* CRM_STUDENT_T_H */
